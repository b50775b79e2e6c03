"""Makes keys and tokens for the contract's tests, with PyJWT: a library that the service knows nothing of.

Reads one JSON object from standard input and writes one to standard output:
  {"keys": true}          -> {"rsa": {"private": PEM, "public": PEM, "jwk": {...}}, "ec": {...}, "ed": {...}}
  {"tokens": [{...}, ...]} -> ["TOKEN", ...], each made of claims, key, algorithm and headers; with "forged" the key's
                             bytes are the HMAC secret whatever they are, which PyJWT itself refuses to do
  {"read": "TOKEN", "key": SECRET} -> its claims, if PyJWT finds it good
"""

import base64
import json
import sys
import warnings

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, HMACAlgorithm, OKPAlgorithm, RSAAlgorithm


def pair(private, algorithm, name, kid):
    public = private.public_key()
    as_pem = serialization.Encoding.PEM
    jwk = json.loads(algorithm.to_jwk(public))
    return {
        "private": private.private_bytes(
            as_pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode(),
        "public": public.public_bytes(as_pem, serialization.PublicFormat.SubjectPublicKeyInfo).decode(),
        "jwk": {**jwk, "kid": kid, "use": "sig", "alg": name, "key_ops": ["verify"]},
    }


def keys():
    return {
        "rsa": pair(rsa.generate_private_key(65537, 2048), RSAAlgorithm, "RS256", "rsa-1"),
        "ec": pair(ec.generate_private_key(ec.SECP256R1()), ECAlgorithm, "ES256", "ec-1"),
        "ed": pair(ed25519.Ed25519PrivateKey.generate(), OKPAlgorithm, "EdDSA", "ed-1"),
    }


def part(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")


def token(wanted):
    if wanted.get("forged"):
        said = part({"typ": "JWT", "alg": "HS256"}) + b"." + part(wanted["claims"])
        signature = HMACAlgorithm(HMACAlgorithm.SHA256).sign(said, wanted["key"].encode())
        return (said + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()
    key = wanted.get("key")
    return jwt.encode(
        wanted["claims"], key, algorithm=wanted.get("algorithm", "HS256"), headers=wanted.get("headers")
    )


def main():
    warnings.simplefilter("ignore")  # short secrets are among what is tried
    wanted = json.load(sys.stdin)
    if "read" in wanted:
        json.dump(jwt.decode(wanted["read"], wanted["key"], algorithms=["HS256"]), sys.stdout)
        return
    json.dump(keys() if wanted.get("keys") else [token(it) for it in wanted["tokens"]], sys.stdout)


main()
