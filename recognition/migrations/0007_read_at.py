from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models.functions import Now


def take_publication(apps: Apps, _: BaseDatabaseSchemaEditor) -> None:
    """Of models from before it was noted, when they were published is the nearest that is known."""
    apps.get_model("recognition", "TrainedModel").objects.update(read_at=models.F("created_at"))


class Migration(migrations.Migration):

    dependencies = [
        ('recognition', '0006_trade_offs'),
    ]

    operations = [
        migrations.AddField(
            model_name='trainedmodel',
            name='read_at',
            field=models.DateTimeField(db_default=Now(), editable=False, help_text='When what it learnt from began to be read.'),
        ),
        migrations.RunPython(take_publication, migrations.RunPython.noop),
    ]
