#!/usr/bin/env python3
"""Pulls a guest's cable and plugs it in again: drive.py PERFVT [WHAT perfvt drive IS TOLD ..]"""
import json
import subprocess
import sys


class Drive:
    def __init__(self, perfvt, *words):
        command = [perfvt, "drive", "--json", *words]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __call__(self, verb, *args, **rest):
        request = {"verb": verb, "args": args, **rest}
        print(json.dumps(request), file=self.process.stdin, flush=True)
        reply = json.loads(self.process.stdout.readline())
        if not reply["ok"]:
            raise RuntimeError(reply["error"])
        return reply


drive = Drive(*sys.argv[1:])
drive("start_all")
for name in drive("machines")["machines"]:
    kernel = drive("succeed", "uname", "-s", machine=name)
    print(name, "runs", kernel["output"].strip(), "after", kernel["seconds"], "s")
    drive("block", machine=name)
    drive("unblock", machine=name, deadline=5)
try:
    drive("succeed", "sh", "-c", "echo no; exit 3", machine="vm1")
except RuntimeError as error:
    print("as it should:", error)
drive("quit")
sys.exit(drive.process.wait())
