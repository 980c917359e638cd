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

from django.core.wsgi import get_wsgi_application
from django.db import IntegrityError, models
from django.urls import path
from gunicorn.app.base import BaseApplication
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView


class Person(models.Model):
    id = models.UUIDField(primary_key=True)
    email = models.EmailField(unique=True)
    first_name = models.CharField(max_length=100)
    last_name = models.CharField(max_length=100, null=True)
    age = models.BigIntegerField(null=True)
    status = models.TextField(null=True)
    tags = models.JSONField(null=True)
    created_at = models.DateTimeField(null=True)
    score = models.FloatField(null=True)

    class Meta:
        app_label = "peers"
        db_table = "people"
        managed = False


class BulkSerializer(serializers.ListSerializer):
    def create(self, validated_data: list[dict]) -> list[Person]:
        return Person.objects.bulk_create([Person(**each) for each in validated_data])


class PersonSerializer(serializers.ModelSerializer):
    id = serializers.UUIDField()
    email = serializers.EmailField(max_length=254)
    age = serializers.IntegerField(required=False, min_value=0, max_value=150)
    status = serializers.ChoiceField(["lead", "customer", "lost"], default="lead")
    tags = serializers.ListField(required=False, child=serializers.CharField(max_length=50))

    class Meta:
        model = Person
        fields = "__all__"
        list_serializer_class = BulkSerializer


class PeopleView(APIView):
    def post(self, request: Request) -> Response:
        serializer = PersonSerializer(data=request.data, many=True)
        serializer.is_valid(raise_exception=True)
        try:
            saved = serializer.save()
        except IntegrityError:
            return Response({"detail": "an e-mail address is taken"}, 409)
        return Response({"created": len(saved)}, 201)


urlpatterns = [path("people", PeopleView.as_view())]


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
