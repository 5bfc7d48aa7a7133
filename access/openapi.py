"""What the OpenAPI schema says of errors: the same of every call, so it stands here once."""

PROBLEM = {"schema": {"$ref": "#/components/schemas/Problem"}}
REFUSED = {
    "description": "Refused: the body says why, and what to do.",
    "content": {"application/problem+json": PROBLEM},
}


def describe_errors(result: dict, generator: object, **kwargs: object) -> dict:
    """A hook of drf-spectacular: each error has its media type, and each call may answer any 4xx in the one shape."""
    for operations in result["paths"].values():
        for operation in operations.values():
            for status, response in operation["responses"].items():
                if int(status) >= 400:
                    response["content"] = {"application/problem+json": response["content"].pop("application/json")}
            operation["responses"]["4XX"] = REFUSED
    return result
