"""POST, PATCH, DELETE and what comes back, through HTTP, against contract 2."""

from harness import Service

JIM = {"email": "jim@example.com", "first_name": "Jim"}
ANN = {"email": "ann@example.com", "first_name": "Ann", "age": 41, "tags": ["a", "b"]}


async def test_a_valid_batch_is_saved(service: Service) -> None:
    reply = await service.post("contacts", [JIM, ANN])
    print(reply)
    assert reply.status == 201
    assert 0
