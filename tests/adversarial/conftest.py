"""Each test that asks for `side` runs in both frameworks."""

import pytest
from adversarial_helpers import SIDES, Side


@pytest.fixture(params=SIDES)
def side(request):
    return Side(request.param)
