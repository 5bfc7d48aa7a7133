"""All settings. They come from the environment; the defaults suit one laptop. docs/settings.md lists them."""

import os
import socket
from datetime import timedelta
from pathlib import Path

import certifi
from csp.constants import NONE, SELF
from django.urls import reverse_lazy
from environs import Env, validate

from facesite import env as environment

BASE_DIR = Path(__file__).resolve().parent.parent

env = Env()
env.read_env(str(BASE_DIR / ".env"), recurse=False)

# Where an embedded installation keeps everything: database, photos, models, messages, packs.
DATA_DIR = environment.data_dir(env.str("DATA_DIR", ""), default=BASE_DIR / "var")

DEBUG = env.bool("DEBUG", False)
SECRET_KEY = env.str("SECRET_KEY", "") or environment.secret_key(DATA_DIR)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", [])
NODE_NAME = env.str("NODE_NAME", socket.gethostname())

# Behind a TLS-terminating proxy set HTTPS=true; on a laptop there is no certificate.
HTTPS = env.bool("HTTPS", False)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_REDIRECT_EXEMPT = ["^healthz$", "^readyz$"]  # whoever supervises the processes asks them without TLS
# To be preloaded into browsers is for the owner of the whole domain to ask for.
SILENCED_SYSTEM_CHECKS = ["security.W021"]
SESSION_COOKIE_HTTPONLY = True
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
# Maps draw a grid of coordinates where no tiles are to be had; the server of tiles sees which places are looked at.
MAP_TILES_URL = env.str("MAP_TILES_URL", "")
MAP_TILES_ATTRIBUTION = env.str("MAP_TILES_ATTRIBUTION", "")
# Pages have no script or style of their own in them and load nothing from elsewhere: whatever is put in does not run.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:", *environment.origin(MAP_TILES_URL)],  # the icons of Swagger UI are data
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

INSTALLED_APPS = [
    "facesite.apps.SiteConfig",
    "facesite.apps.AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "csp",
    "axes",
    "django_htmx",
    "django_filters",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "access",
    "recognition",
    "people",
    "detections",
]

MIDDLEWARE = [
    "facesite.measuring.MeasuringMiddleware",
    "facesite.metrics.MetricsMiddleware",
    "facesite.correlating.CorrelationMiddleware",
    "facesite.headers.HeadersMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "facesite.headers.PagesPolicyMiddleware",
    "facesite.limits.BodyLimitMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    # It reads what was sent, which is not to be done for strangers.
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "facesite.timezones.ViewerZoneMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "facesite.urls"
WSGI_APPLICATION = "facesite.wsgi.application"
WEB_CONCURRENCY = env.int("WEB_CONCURRENCY", os.cpu_count() or 1)
WEB_THREADS = env.int("WEB_THREADS", 32)
APPEND_SLASH = False
LOGIN_URL = reverse_lazy("login")
LOGIN_REDIRECT_URL = reverse_lazy("dashboard")
LOGOUT_REDIRECT_URL = reverse_lazy("login")

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "access.context.capabilities",
                "facesite.navigation.navigation",
            ],
        },
    },
]

DATABASES = {
    "default": environment.database(env.dj_db_url("DATABASE_URL", f"sqlite:///{DATA_DIR / 'facesite.sqlite3'}"))
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
# Wrong passwords count by account and address together: nobody locks out a colleague elsewhere, nor all who come
# through one proxy. Counted in the database, so for all web processes.
PROXY_COUNT = env.int("PROXY_COUNT", 0)
AXES_FAILURE_LIMIT = env.int("LOGIN_ATTEMPTS", 5)
AXES_COOLOFF_TIME = timedelta(minutes=env.int("LOGIN_LOCK_MINUTES", 15))
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_CLIENT_IP_CALLABLE = "access.lockout.client_address"
AXES_LOCKOUT_CALLABLE = "access.lockout.refuse"
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False  # the time that people are told is the time they wait
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ADMIN = False  # access.admin has its own page, open by role
AXES_VERBOSE = False
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

LANGUAGE_CODE = env.str("LANGUAGE_CODE", "en")
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = env.str("TIME_ZONE", "UTC")
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": environment.storage(env.str("STORAGE_URL", f"file://{DATA_DIR / 'storage'}")),
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

# Limits before work.
MAX_API_BODY_BYTES = env.int("MAX_API_BODY_BYTES", 16 * 2**20)
MAX_ADMIN_BODY_BYTES = env.int("MAX_ADMIN_BODY_BYTES", 128 * 2**20)
MAX_IMAGE_BYTES = env.int("MAX_IMAGE_BYTES", 12 * 2**20)
MAX_IMAGE_PIXELS = env.int("MAX_IMAGE_PIXELS", 40_000_000)
MAX_ARCHIVE_BYTES = env.int("MAX_ARCHIVE_BYTES", 50 * 2**20)
MAX_IMPORT_BYTES = env.int("MAX_IMPORT_BYTES", 1024 * 2**20)
MAX_IMPORT_PHOTOS = env.int("MAX_IMPORT_PHOTOS", 2000)
MAX_CROPS_PER_REQUEST = env.int("MAX_CROPS_PER_REQUEST", 32)
MAX_INBOX = env.int("MAX_INBOX", 50_000)
MAX_KEY_REQUESTS_PER_SECOND = env.float("MAX_KEY_REQUESTS_PER_SECOND", 200.0)
MAX_USER_REQUESTS_PER_SECOND = env.float("MAX_USER_REQUESTS_PER_SECOND", 20.0)
MAX_CROPS_PER_SECOND = env.float("MAX_CROPS_PER_SECOND", 1000.0)
MAX_WRONG_KEYS_PER_SECOND = env.float("MAX_WRONG_KEYS_PER_SECOND", 5.0)
MAX_WAIT_SECONDS = env.float("MAX_WAIT_SECONDS", 1.0)
FILE_UPLOAD_HANDLERS = [
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "facesite.uploads.NamelessFileUploadHandler",
]
DATA_UPLOAD_MAX_MEMORY_SIZE = 1 * 2**20
DATA_UPLOAD_MAX_NUMBER_FILES = 200

# Recognition.
PACK = env.str("PACK", "dlib-resnet")
PACKS_DIR = Path(env.str("PACKS_DIR", str(DATA_DIR / "packs")))
CLASSIFIER = env.str("CLASSIFIER", "gallery")
FALSE_ALARM_RATE = env.float("FALSE_ALARM_RATE", 0.001)
# With public keys alone a process may load models, not publish them. With neither, a pair is made and kept here.
MODEL_SIGNING_KEY = env.str("MODEL_SIGNING_KEY", "")
MODEL_VERIFY_KEYS = env.list("MODEL_VERIFY_KEYS", [])
if not (MODEL_SIGNING_KEY or MODEL_VERIFY_KEYS):
    MODEL_SIGNING_KEY = environment.signing_key(DATA_DIR)

# Webhooks.
WEBHOOK_ALLOWED_NETWORKS = environment.networks(env.list("WEBHOOK_ALLOWED_NETWORKS", []))
WEBHOOK_CA_FILE = env.str("WEBHOOK_CA_FILE", certifi.where())
CAMERA_SILENT_MINUTES = env.int("CAMERA_SILENT_MINUTES", 10)

# Privacy.
KEEP_UNKNOWN_FACES = env.bool("KEEP_UNKNOWN_FACES", False)
RETENTION_DAYS = env.int("RETENTION_DAYS", 90)
RECEIPT_DAYS = env.int("RECEIPT_DAYS", 7)
AUDIT_DAYS = env.int("AUDIT_DAYS", 90)

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "access.authentication.ApiKeyAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["access.permissions.HasCapability"],
    "DEFAULT_THROTTLE_CLASSES": ["access.throttling.SenderThrottle"],
    "DEFAULT_RENDERER_CLASSES": ["access.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_PAGINATION_CLASS": "access.pagination.Pages",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "facesite.errors.exception_handler",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}

SPECTACULAR_SETTINGS = {
    "TITLE": "facesite",
    "DESCRIPTION": "Face recognition for many cameras over thin links.",
    "VERSION": "1",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {"persistAuthorization": False, "deepLinking": True},
    "COMPONENT_SPLIT_REQUEST": True,
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "access.openapi.describe_errors",
    ],
}

# What is counted for Prometheus, who may read it, and where a worker tells it.
METRICS_DIR = Path(env.str("METRICS_DIR", str(DATA_DIR / "metrics")))
METRICS_TOKEN = env.str("METRICS_TOKEN", "")
METRICS_BIND = env.str("METRICS_BIND", "")
TRACES = env.bool("TRACES", False)

WORKER_MAX_MEMORY_MB = env.int("WORKER_MAX_MEMORY_MB", 2048)
CELERY = {
    **environment.broker(env.str("BROKER_URL", "filesystem://"), DATA_DIR),
    "task_serializer": "json",
    "accept_content": ["json"],
    "task_ignore_result": True,
    "task_default_queue": "maintenance",
    "task_routes": {
        "detections.tasks.process_inbox": {"queue": "recognition"},
        # By the clock, so to where somebody always listens: workers that train may be scaled to nothing.
        "people.tasks.sweep_jobs": {"queue": "maintenance"},
        "people.tasks.*": {"queue": "training"},
    },
    # Tasks with limits of their own state them. A child that hangs is killed and replaced.
    "task_soft_time_limit": 540,
    "task_time_limit": 600,
    "worker_pool": "facesite.pool:TaskPool",
    "worker_consumer": "facesite.consumer:Consumer",
    "worker_prefetch_multiplier": 1,
    # Whatever leaks, leaks in a child that will be replaced.
    "worker_max_tasks_per_child": 2000,
    "worker_max_memory_per_child": WORKER_MAX_MEMORY_MB * 1024,
    # Celery's four seconds are too few for a fork on a machine that is busy recognising.
    "worker_proc_alive_timeout": 60,
    # Nobody gives orders to workers but through the database.
    "worker_enable_remote_control": False,
    "worker_hijack_root_logger": False,
    "broker_connection_retry_on_startup": True,
    "broker_connection_max_retries": None,  # for ever
    # The database is the queue: a wake-up that cannot be sent is logged and the sweeper makes up for it.
    "task_publish_retry": False,
    "beat_scheduler": "facesite.beat:Scheduler",
    "beat_schedule_filename": str(DATA_DIR / "beat-schedule"),
    "beat_schedule": {
        # By the scheduler's clock, and read by the worker's, which may be an hour ahead. What waits meanwhile is cheap.
        "sweep": {"task": "detections.tasks.sweep", "schedule": 5.0, "options": {"expires": 7200}},
        "sweep-jobs": {"task": "people.tasks.sweep_jobs", "schedule": 15.0, "options": {"expires": 7200}},
        "retention": {"task": "detections.tasks.apply_retention", "schedule": 3600.0, "options": {"expires": 7200}},
    },
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "text": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s%(about)s"},
        "json": {"()": "facesite.logs.JsonLines"},
    },
    "filters": {
        "without_paths": {"()": "facesite.logs.WithoutPaths"},
        "about": {"()": "facesite.logs.About"},
        "sparing_refusals": {"()": "facesite.logs.SparingRefusals"},
        "sparing_outages": {"()": "facesite.logs.SparingRefusals"},
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": env.str("LOG_FORMAT", "text", validate=validate.OneOf(["text", "json"])),
            "filters": ["without_paths", "about"],
        }
    },
    "root": {"handlers": ["console"], "level": env.log_level("LOG_LEVEL", "INFO")},
    "loggers": {
        "django.request": {"level": "ERROR", "filters": ["sparing_refusals"]},
        "facesite.errors": {"filters": ["sparing_outages"]},
        "django.security.DisallowedHost": {"level": "CRITICAL"},
        "axes": {"level": "ERROR"},  # below, it writes who failed to log in
    },
}
