"""Has the public parsers read what fhrpd printed: a JSON object of texts on stdin, one of results on stdout."""

import json
import sys

from genie.libs.parser.iosxe.show_standby import ShowStandbyAll, ShowStandbyBrief
from ntc_templates.parse import parse_output

COMMANDS = {"standby": "show standby", "standby_brief": "show standby brief"}
GENIE = {"standby": ShowStandbyAll, "standby_brief": ShowStandbyBrief}


def read(name, text):
    parser, command = name.split(" ")
    if parser == "genie":
        return GENIE[command](device=object()).parse(output=text)
    return parse_output(platform="cisco_ios", command=COMMANDS[command], data=text)


texts = json.load(sys.stdin)
json.dump({name: read(name, text) for name, text in texts.items()}, sys.stdout)
