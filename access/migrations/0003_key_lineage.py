import uuid

from django.db import migrations, models


def give_each_its_own(apps, schema_editor):
    keys = apps.get_model("access", "ApiKey")
    for pk in keys.objects.values_list("pk", flat=True):
        keys.objects.filter(pk=pk).update(lineage=uuid.uuid4())


class Migration(migrations.Migration):
    dependencies = [("access", "0002_roles")]

    operations = [
        migrations.AddField("apikey", "lineage", models.UUIDField(null=True)),
        migrations.RunPython(give_each_its_own, migrations.RunPython.noop, elidable=True),
        migrations.AlterField(
            "apikey",
            "lineage",
            models.UUIDField(
                default=uuid.uuid4,
                editable=False,
                db_index=True,
                help_text="The same for keys that replace each other.",
            ),
        ),
    ]
