"""(e) Django REST Framework: `many=True`, `bulk_create`, served by gunicorn with threads.

The look-up that a ModelSerializer makes for each unique field of each item is left out, as anyone
would who measures it; the database refuses what is taken. Lacks what (c) lacks.
"""

from urllib.parse import urlsplit

import django
from django.conf import settings

from benchmarks.peers.environment import CONNECTIONS, DATABASE_URL, PORT

_url = urlsplit(DATABASE_URL)
settings.configure(
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    USE_TZ=True,
    INSTALLED_APPS=["rest_framework"],
    MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
    REST_FRAMEWORK={
        "DEFAULT_AUTHENTICATION_CLASSES": [],
        "DEFAULT_PERMISSION_CLASSES": [],
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
        "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
        "UNAUTHENTICATED_USER": None,
    },
    DATA_UPLOAD_MAX_MEMORY_SIZE=None,
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": _url.path[1:],
            "USER": _url.username,
            "PASSWORD": _url.password,
            "HOST": _url.hostname,
            "PORT": _url.port,
            "OPTIONS": {"pool": {"min_size": 0, "max_size": CONNECTIONS}},
        }
    },
)
django.setup()

from django.core.validators import RegexValidator
from django.core.wsgi import get_wsgi_application
from django.db import IntegrityError, models
from django.urls import path
from gunicorn.app.base import BaseApplication
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView


class UUIDv7(models.Func):
    """The database's own default of the key, which a model has to name."""

    function = "uuidv7"
    arity = 0
    output_field = models.UUIDField()


class Contact(models.Model):
    id = models.UUIDField(primary_key=True, db_default=UUIDv7())
    email = models.EmailField(unique=True)
    first_name = models.CharField(max_length=100)
    last_name = models.CharField(max_length=100, null=True)
    company = models.CharField(max_length=200, null=True)
    phone = models.CharField(max_length=31, null=True)
    country = models.CharField(max_length=2, null=True)
    age = models.BigIntegerField(null=True)
    subscribed = models.BooleanField(null=True)
    tags = models.JSONField(null=True)

    class Meta:
        app_label = "peers"
        db_table = "contacts"
        managed = False


class BulkSerializer(serializers.ListSerializer):
    def create(self, validated_data: list[dict]) -> list[Contact]:
        return Contact.objects.bulk_create([Contact(**each) for each in validated_data])


class ContactSerializer(serializers.ModelSerializer):
    email = serializers.EmailField(max_length=254)
    phone = serializers.CharField(
        required=False, validators=[RegexValidator(r"^\+?[0-9 ().-]{3,30}\Z")]
    )
    country = serializers.CharField(required=False, min_length=2, max_length=2)
    age = serializers.IntegerField(required=False, min_value=0, max_value=150)
    tags = serializers.ListField(
        required=False, child=serializers.CharField(min_length=1, max_length=50)
    )

    class Meta:
        model = Contact
        exclude = ("id",)
        list_serializer_class = BulkSerializer


class ContactsView(APIView):
    def post(self, request: Request) -> Response:
        serializer = ContactSerializer(data=request.data, many=True)
        serializer.is_valid(raise_exception=True)
        try:
            saved = serializer.save()
        except IntegrityError:
            return Response({"detail": "an e-mail address is taken"}, 409)
        return Response({"created": len(saved)}, 201)


urlpatterns = [path("contacts", ContactsView.as_view())]


class Server(BaseApplication):
    """gunicorn with one process and threads."""

    def load_config(self) -> None:
        options = {
            "bind": f"127.0.0.1:{PORT}",
            "workers": 1,
            "threads": CONNECTIONS,
            "worker_class": "gthread",
            "worker_connections": 100,
            "keepalive": 60,
            "timeout": 120,
            "loglevel": "warning",
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> object:
        return get_wsgi_application()


if __name__ == "__main__":
    Server().run()
