"""What is sent and too large for memory."""

import tempfile

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, TemporaryFileUploadHandler


class NamelessFileUploadHandler(TemporaryFileUploadHandler):
    """Keeps it in a file without a name: it shows faces, and goes with the process, however that ends."""

    def new_file(self, *args: object, **kwargs: object) -> None:
        FileUploadHandler.new_file(self, *args, **kwargs)
        file = tempfile.TemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR)  # noqa: SIM115 - open as long as the request
        self.file = UploadedFile(file, self.file_name, self.content_type, 0, self.charset, self.content_type_extra)

    def upload_interrupted(self) -> None:
        if hasattr(self, "file"):
            self.file.close()
