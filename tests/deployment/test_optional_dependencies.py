import json

import pytest

from skneural.deployment.optional_dependencies import import_optional_dependency


def test_what_is_there_is_returned():
    assert import_optional_dependency("json", "any") is json


def test_what_is_not_there_is_named_with_its_extra():
    with pytest.raises(ModuleNotFoundError, match=r"not_there is not installed.*pip install 'skneural\[skops\]'"):
        import_optional_dependency("not_there.inside", "skops")
