"""Has the public parsers read what fhrpd printed: a JSON object of texts on stdin, one of results on stdout."""

import json
import sys
import types

from genie.libs.parser.iosxe.show_standby import ShowStandbyAll, ShowStandbyBrief
from ntc_templates.parse import parse_output

# The parser of GLBP imports, and does not use, what would need all the rest of genie.
UTILS = "genie.libs.parser.utils"
sys.modules[UTILS] = types.ModuleType(UTILS)
sys.modules[UTILS + ".common"] = types.ModuleType(UTILS + ".common")
sys.modules[UTILS + ".common"].Common = None
from genie.libs.parser.iosxe.show_glbp import ShowGlbpBrief  # noqa: E402

COMMANDS = {"standby": "show standby", "standby_brief": "show standby brief"}
GENIE = {"standby": ShowStandbyAll, "standby_brief": ShowStandbyBrief, "glbp_brief": ShowGlbpBrief}


def read(name, text):
    parser, command = name.split(" ")
    if parser == "genie":
        return GENIE[command](device=object()).parse(output=text)
    return parse_output(platform="cisco_ios", command=COMMANDS[command], data=text)


texts = json.load(sys.stdin)
json.dump({name: read(name, text) for name, text in texts.items()}, sys.stdout)
