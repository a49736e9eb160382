"""Python, grpcio: client.py [127.0.0.1:12200]"""
import sys

import grpc

messages, services = grpc.protos_and_services("greeter.proto")

with grpc.insecure_channel(sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:12200") as channel:
    reply = services.GreeterStub(channel).Greet(messages.GreetRequest(name="Python"), timeout=3)
print(reply.text)
