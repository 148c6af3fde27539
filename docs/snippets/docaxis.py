"""The six flows with Python's standard library. HUB is http://host:port, TOKEN is KEY_ID.SECRET.

docaxis.py check FILE | send FILE | list | fetch DELIVERY FILE | confirm DELIVERY STATUS | report FILE
"""
import hashlib
import json
import os
import sys
import urllib.error
import urllib.request


def call(path, body=None, content_type="application/xml"):
    headers = {"Authorization": "Bearer " + os.environ["TOKEN"]}
    if body is not None:
        headers["Content-Type"] = content_type
    request = urllib.request.Request(os.environ["HUB"] + "/api/v1" + path, body, headers)
    try:
        with urllib.request.urlopen(request, timeout=90) as answer:
            return answer.read(), answer.headers
    except urllib.error.HTTPError as failure:
        # A problem in both languages; for a refused packet with every reason. 429 and 503: come again later.
        sys.exit(f"{failure.code} {failure.read().decode()}")


def read(file):
    with open(file, "rb") as packet:
        return packet.read()


def fetch(delivery, file):
    content, headers = call(f"/deliveries/{delivery}/content")
    if hashlib.sha256(content).hexdigest() != headers["Docaxis-Sha256"]:
        sys.exit("damaged on its way: fetch it again")
    with open(file, "wb") as packet:
        packet.write(content)


def main(flow, *rest):
    if flow == "check":
        print(call("/envelopes:check", read(rest[0]))[0].decode())
    elif flow in ("send", "report"):  # a status packet is sent as a document is
        print(call("/envelopes", read(rest[0]))[0].decode())
    elif flow == "list":  # waits up to 20 seconds for something to come
        print(call("/mailbox?wait=20")[0].decode())
    elif flow == "fetch":
        fetch(*rest)
    elif flow == "confirm":
        body = json.dumps({"status": rest[1]}).encode()
        print(call(f"/deliveries/{rest[0]}/confirm", body, "application/json")[0].decode())
    else:
        sys.exit("unknown: " + flow)


main(*sys.argv[1:])
