"""What a JSON schema knows at a place, for messages about names that it does not know."""

from collections.abc import Mapping, Sequence
from typing import Any

Schema = Mapping[str, Any]


def fields_at(document: Schema, schema: Schema, place: Sequence[str | int]) -> tuple[str, ...]:
    """Return the names of the fields that an object may have.

    Parameters
    ----------
    document : mapping
        What references in the schema begin at.
    schema : mapping
        Of the whole value.
    place : sequence of str or int
        Names and numbers that lead to the object in it.

    Returns
    -------
    tuple of str
        Empty where the schema has no object of named fields there.

    Examples
    --------
    >>> stage = {"properties": {"name": {}, "epochs": {}}}
    >>> schema = {"properties": {"stages": {"items": {"$ref": "#/$defs/Stage"}}}}
    >>> fields_at({"$defs": {"Stage": stage}}, schema, ["stages", 0])
    ('name', 'epochs')
    """
    for step in place:
        schema = _below(_resolved(document, schema), step)
    return tuple(_resolved(document, schema).get("properties", ()))


def _below(schema: Schema, step: str | int) -> Schema:
    """Return the schema of an item of a list, or of a field of an object."""
    named = schema.get("properties", {})
    if step in named:
        found = named[step]
    elif isinstance(step, int):
        found = schema.get("items", {})
    else:
        patterns = schema.get("patternProperties", {})
        found = next(iter(patterns.values()), schema.get("additionalProperties", {}))
    return found if isinstance(found, Mapping) else {}


def _resolved(document: Schema, schema: Schema) -> Schema:
    """Return a schema itself where there is a reference to it, or null may stand for it."""
    while True:
        choices = [
            each
            for kind in ("anyOf", "allOf")
            for each in schema.get(kind, ())
            if each.get("type") != "null"
        ]
        if "$ref" in schema:
            target: Any = document
            for part in schema["$ref"].removeprefix("#/").split("/"):
                target = target[part]
            schema = target
        elif choices:
            schema = choices[0]
        else:
            return schema
