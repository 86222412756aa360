"""Values of JSON Schemas from hypothesis-jsonschema, a generator that knows nothing of this project.

Reads lines `{"name": ..., "schema": ..., "count": ...}`, writes lines `{"name": ..., "text": VALUE AS JSON TEXT}`, and
`{"name": ..., "error": ...}` for a schema that the generator cannot do. The same lines give the same values.
"""

import json
import random
import signal
import sys
import warnings

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis_jsonschema import from_schema

SECONDS = 20  # of processor time, for one schema
warnings.simplefilter("ignore")


def values(schema, count):
    found = {}

    @seed(0)
    @settings(
        max_examples=count * 2,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(from_schema(schema))
    def collect(value):
        found.setdefault(json.dumps(value, ensure_ascii=False), None)

    collect()
    return list(found)[:count]


def give_up(*_):
    raise TimeoutError(f"no values within {SECONDS} s")


signal.signal(signal.SIGVTALRM, give_up)
for line in sys.stdin:
    asked = json.loads(line)
    random.seed(0)
    signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS, 1)  # again, where it is swallowed
    try:
        lines = [{"text": text} for text in values(asked["schema"], asked["count"])]
    except (Exception, RecursionError) as error:
        lines = [{"error": f"{type(error).__name__}: {error}"[:300]}]
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    for answer in lines:
        print(json.dumps({"name": asked["name"], **answer}), flush=True)
