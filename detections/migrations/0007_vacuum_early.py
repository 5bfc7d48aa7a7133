from django.db import migrations

# PostgreSQL by default lets a fifth of a table die before it cleans up: of millions of rows that is too much, and a crop
# (with its image) is written three times before its row rests.
TABLES = (
    'detections_crop',
    'detections_delivery',
    'detections_detection',
    'detections_faceimage',
    'detections_track',
    'detections_trackevidence',
    'recognition_job',
)
WITH_LARGE_VALUES = {'detections_crop', 'detections_faceimage'}
SETTINGS = {
    'autovacuum_vacuum_scale_factor': 0.01,
    'autovacuum_vacuum_threshold': 1000,
    'autovacuum_analyze_scale_factor': 0.02,
}
OF_LARGE_VALUES = {f'toast.{name}': value for name, value in SETTINGS.items() if 'analyze' not in name}


def vacuum_early(apps, schema_editor):
    for table in TABLES if schema_editor.connection.vendor == 'postgresql' else ():
        chosen = SETTINGS | (OF_LARGE_VALUES if table in WITH_LARGE_VALUES else {})
        values = ', '.join(f'{name} = {value}' for name, value in chosen.items())
        schema_editor.execute(f'ALTER TABLE {table} SET ({values})')


def as_by_default(apps, schema_editor):
    for table in TABLES if schema_editor.connection.vendor == 'postgresql' else ():
        names = ', '.join((*SETTINGS, *(OF_LARGE_VALUES if table in WITH_LARGE_VALUES else ())))
        schema_editor.execute(f'ALTER TABLE {table} RESET ({names})')


class Migration(migrations.Migration):

    dependencies = [
        ('detections', '0006_newest_first'),
        ('recognition', '0002_expected_miss_rate'),
    ]

    operations = [
        migrations.RunPython(vacuum_early, as_by_default),
    ]
