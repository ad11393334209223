from repro.spec.places import locate, name_of, nearest

TEXT = """\
id = "t"

[recipe.net]
name = "a"

[[rows]]
id = "one"
[rows.recipe.method]
queue = 3

[[rows]]
id = "two"  # [[rows]] in a comment is no header
reported."imagenet-c" = "1.0"

[[claims]]
[claims.test]
kind = "order"
"""


def test_every_key_has_its_line() -> None:
    lines = locate(TEXT)
    assert lines["id",] == 1
    assert lines["recipe", "net", "name"] == 4
    assert lines["rows", 0, "recipe", "method", "queue"] == 9
    assert lines["rows", 1, "reported", "imagenet-c"] == 13
    assert lines["claims", 0, "test", "kind"] == 17


def test_a_place_is_said_with_the_id_of_its_row() -> None:
    document = {"rows": [{"id": "one"}, {"id": "two", "recipe": {"net": {}}}]}
    assert name_of(document, ("rows", 1, "recipe", "net", "hidden")) == 'row "two", recipe.net.hidden'
    assert name_of(document, ()) == "file"


def test_the_nearest_name_is_offered_only_where_it_is_near() -> None:
    assert nearest("imagnet", ["imagenet", "imagenet-r"]) == '; did you mean "imagenet"?'
    assert nearest("zebra", ["imagenet"]) == ""
