"""`manage.py make_bucket`, for S3 servers that a deployment brings along."""

from botocore.exceptions import ClientError
from django.core.files.storage import default_storage
from django.core.management.base import BaseCommand, CommandError

from recognition.objectstorage import ObjectStorage

THERE = {"BucketAlreadyOwnedByYou", "BucketAlreadyExists"}


class Command(BaseCommand):
    help = "Makes the bucket of STORAGE_URL, unless it is there."

    def handle(self, *args: object, **options: object) -> None:
        if not isinstance(default_storage, ObjectStorage):
            raise CommandError("STORAGE_URL is no bucket: it does not start with s3://.")
        try:
            default_storage.connection.meta.client.create_bucket(Bucket=default_storage.bucket_name)
        except ClientError as error:
            if error.response["Error"]["Code"] not in THERE:
                raise CommandError(f"The bucket cannot be made: {error}") from error
        self.stdout.write(f"The bucket {default_storage.bucket_name} is there.")
