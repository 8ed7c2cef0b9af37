from typing import Union, get_args, get_origin

from .errors import UnsupportedHint
from .primitives import primitive_schema

_ARRAY = "array"


def describe_hint(hint):
    """JSON schema that corresponds to a type annotation."""
    container, members = get_origin(hint), get_args(hint)
    unknown = "No idea how to describe this type, is it a class of your own?"

    if container is dict:
        # keys are strings in JSON in any case
        values = {"additionalProperties": describe_hint(members[1])} if len(members) == 2 else {}
        return {"type": "object", **values}

    if container in (list, tuple):
        if not members:
            return dict(type=_ARRAY)
        if container is list:
            return dict(type=_ARRAY, items=describe_hint(members[0]))
        if len(members) < 2:
            shown = str(hint).replace("typing.", "")
            raise UnsupportedHint(f"{shown}: a tuple of one element is not supported, drop the tuple or use a list.")
        if any(m is Ellipsis for m in members):
            raise UnsupportedHint("A tuple of arbitrary length ('...') is not supported, please use a list.")
        return dict(type=_ARRAY, prefixItems=list(map(describe_hint, members)))

    if container is Union:
        none = type(None)
        options = [describe_hint(m) for m in members if not m is none]
        kinds = [o["type"] for o in options]
        if options[1:]:
            mixed = any(not isinstance(k, str) for k in kinds)
            schema = {"anyOf": options} if mixed else {"type": sorted(kinds)}
        else:
            schema = options.pop()
        schema.update({"nullable": True} if none in members else {})
        return schema

    if container is not None:
        raise UnsupportedHint(unknown, hint)
    try:
        return primitive_schema(hint)
    except KeyError as missing:
        raise UnsupportedHint(unknown, hint) from missing
