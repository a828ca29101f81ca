"""Queries whose SQL Django composes once in a process, for what runs in the transaction of every grade.

Composing takes Django several times as long as the database takes to answer. What is read is not kept: each call asks
the database.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from django.db import Error as DatabaseError
from django.db import connections, models, router
from django.db.models import QuerySet

logger = logging.getLogger(__name__)

# Values with which a query is composed, by which its parameters are found. A course key must be one that can be parsed,
# and a number must fit the smallest column of a user id.
_NUMBER = 2_000_000_011
_TEXT = "course-v1:learning-time-webhooks+parameter+{}"
_UUID = "5ac1a0f0-7a1b-4d3a-8b11-{:012d}"


class _Composed(NamedTuple):
    sql: str
    # Constants, and the places of arguments by their numbers.
    constants: tuple[Any, ...]
    places: Mapping[int, int]
    # Django's converters of columns whose values the database returns in another form.
    converters: Mapping[int, tuple[Sequence[Any], Any]]


class PreparedQuery:
    """Selects columns of the rows whose fields equal constants and arguments, through the model's default manager.

    Arguments are named as in `filter`: `field`, or `field__in` with a list, which is composed once for each length.
    Where a field of the LMS cannot be prepared, Django composes each query, and a warning says so once.
    """

    def __init__(
        self, *columns: str, order_by: Sequence[str] = (), limit: int | None = None, **constants: bool
    ) -> None:
        self._columns = columns
        self._order_by = order_by
        self._limit = limit
        self._constants = constants
        self._composed: dict[tuple[Any, ...], _Composed | None] = {}

    def rows(self, model: Any, using: str | None = None, **arguments: Any) -> list[tuple[Any, ...]]:
        """The rows of a model, from the database `using`, or the one that the router reads from."""
        alias = using or router.db_for_read(model)
        connection = connections[alias]
        values: list[Any] = []
        shape: list[tuple[str, int]] = []
        for name, value in arguments.items():
            field = _field(model, name)
            several = list(value) if name.endswith("__in") else [value]
            if not several:
                return []
            shape.append((name, len(several)))
            values.extend(field.get_db_prep_value(one, connection) for one in several)
        key = (model, alias, *shape)
        if key not in self._composed:
            self._composed[key] = self._prepare(model, alias, shape)
        composed = self._composed[key]
        if composed is None:
            return list(self._queryset(model, alias, arguments))
        parameters = list(composed.constants)
        for place, number in composed.places.items():
            parameters[place] = values[number]
        with connection.cursor() as cursor:
            cursor.execute(composed.sql, parameters)
            rows = cursor.fetchall()
        return [_converted(row, composed, connection) for row in rows] if composed.converters else list(rows)

    def _queryset(self, model: Any, alias: str, arguments: Mapping[str, Any]) -> QuerySet[Any, Any]:
        rows = model.objects.using(alias).filter(**self._constants, **arguments).order_by(*self._order_by)
        selected: QuerySet[Any, Any] = rows.values_list(*self._columns)
        return selected if self._limit is None else selected[: self._limit]

    def _prepare(self, model: Any, alias: str, shape: Sequence[tuple[str, int]]) -> _Composed | None:
        try:
            return self._compose(model, alias, shape)
        except DatabaseError:
            # Of the connection, and not of the query: the next call composes it.
            raise
        except Exception as error:
            # A field that refuses the stand-in, or changes it. If the query itself is wrong, Django says it again.
            logger.warning("prepared.impossible model=%s type=%s", model.__name__, type(error).__name__)
            return None

    def _compose(self, model: Any, alias: str, shape: Sequence[tuple[str, int]]) -> _Composed:
        """Raises ValueError if a parameter is not found, and what Django raises."""
        connection = connections[alias]
        stand_ins: list[Any] = []
        filters: dict[str, Any] = {}
        for name, count in shape:
            field = _field(model, name)
            several = [_stand_in(field, len(stand_ins) + number) for number in range(count)]
            filters[name] = several if name.endswith("__in") else several[0]
            stand_ins.extend(field.get_db_prep_value(one, connection) for one in several)
        compiler = self._queryset(model, alias, filters).query.get_compiler(using=alias)
        sql, parameters = compiler.as_sql()
        # `index` and `count` compare 1 and True as equal, but no stand-in is 1.
        places = {parameters.index(stand_in): number for number, stand_in in enumerate(stand_ins)}
        if len(places) != len(stand_ins) or any(parameters.count(one) != 1 for one in stand_ins):
            raise ValueError("Django composed a query whose parameters are not its arguments")
        columns = [expression for expression, _sql, _alias in compiler.select[: compiler.col_count]]
        return _Composed(sql, tuple(parameters), places, compiler.get_converters(columns))


def _field(model: Any, name: str) -> Any:
    """`enterprise_customer_id` is the foreign key's field too; its values are those of the field it points to."""
    field = model._meta.pk if name == "pk" else model._meta.get_field(name.removesuffix("__in"))
    return field.target_field if field.is_relation else field


def _stand_in(field: Any, number: int) -> Any:
    if isinstance(field, models.IntegerField):
        return _NUMBER + number
    return (_UUID if isinstance(field, models.UUIDField) else _TEXT).format(number)


def _converted(row: Sequence[Any], composed: _Composed, connection: Any) -> tuple[Any, ...]:
    values = list(row)
    for column, (convert, expression) in composed.converters.items():
        for one in convert:
            values[column] = one(values[column], expression, connection)
    return tuple(values)
