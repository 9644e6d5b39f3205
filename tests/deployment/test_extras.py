import json

import pytest

from skneural.deployment.extras import extra


def test_what_is_there_is_returned():
    assert extra("json", "any") is json


def test_what_is_not_there_is_named_with_its_extra():
    with pytest.raises(ModuleNotFoundError, match=r"not_there is not installed.*pip install 'skneural\[skops\]'"):
        extra("not_there.inside", "skops")
