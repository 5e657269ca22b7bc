"""Verifies Content Credentials with a program that shares no code with the one that wrote them.

    check_c2pa.py ANCHORS AUTHORITIES FILE...

Prints a JSON array with one object for each file: its integrity, whether its signer is trusted under the anchors alone,
what is to be said about its time stamp under those authorities, its actions, and the ingredients with their manifests.
Nothing is sent anywhere.
"""

import json
import os
import sys
from pathlib import Path

os.environ["ENCYPHER_C2PA_TELEMETRY"] = "off"
os.environ["ENCYPHER_C2PA_ONLINE"] = "off"

import encypher_c2pa  # noqa: E402

TYPES = {".png": "image/png", ".jpg": "image/jpeg", ".webp": "image/webp", ".mp4": "video/mp4"}


def check(path, anchors, authorities):
    report = encypher_c2pa.verify(path.read_bytes(), TYPES[path.suffix], trust_pem=anchors, tsa_trust_pem=authorities, no_default_trust=True)
    if not report["present"]:
        return {"integrity": "absent"}
    manifests = report["manifest_report"]["manifests"]
    active = manifests[report["manifest_report"]["active_manifest"]]
    assertions = active["assertions"]
    return {
        "integrity": report["integrity"],
        "trust": report["trust"]["status"],
        "failures": [failure["code"] for failure in report["validation_results"]["failure"]],
        "time_stamps": [
            status["code"]
            for kind in ("success", "informational", "failure")
            for status in report["validation_results"].get(kind, [])
            if status["code"].startswith("timeStamp.")
        ],
        "manifests": len(manifests),
        "generator": active["claim_generator_info"],
        "actions": [action for one in assertions if one["label"].startswith("c2pa.actions") for action in one["data"]["actions"]],
        "ingredients": [one["data"] for one in assertions if one["label"].startswith("c2pa.ingredient")],
    }


anchors, authorities = (Path(name).read_text("utf-8") for name in sys.argv[1:3])
print(json.dumps([check(Path(name), anchors, authorities) for name in sys.argv[3:]]))
