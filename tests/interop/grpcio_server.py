"""The service of gRPC's interoperability tests (grpc.testing.TestService) on a grpcio server: grpcio_server.py MESSAGES [--certificate F --key F [--client-ca F]].

MESSAGES is the set of descriptors that protoc makes of proto/grpc/testing/test.proto. It prints `ready pid=N h2=P` when it listens.
"""

import argparse
import concurrent.futures
import os
import pathlib
import time

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

SERVICE = "grpc.testing.TestService"
INITIAL, TRAILING = "x-grpc-test-echo-initial", "x-grpc-test-echo-trailing-bin"


def message_classes(path):
    """The classes of all messages, by their short names."""
    pool = descriptor_pool.DescriptorPool()
    files = descriptor_pb2.FileDescriptorSet.FromString(path.read_bytes()).file
    for file in files:
        pool.Add(file)
    return {message.name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"grpc.testing.{message.name}"))
            for file in files for message in file.message_type}


class TestService:
    def __init__(self, messages):
        self.messages = messages

    def begin(self, context):
        """What every call does: metadata that the caller wants back."""
        wanted = dict(context.invocation_metadata())
        if INITIAL in wanted:
            context.send_initial_metadata([(INITIAL, wanted[INITIAL])])
        if TRAILING in wanted:
            context.set_trailing_metadata([(TRAILING, wanted[TRAILING])])

    def end_as_wanted(self, status, context):
        if status.code:
            code = next(known for known in grpc.StatusCode if known.value[0] == status.code)
            context.abort(code, status.message)

    def empty_call(self, request, context):
        self.begin(context)
        return request

    def unary_call(self, request, context):
        context.set_compression(grpc.Compression.Gzip)
        self.begin(context)
        self.end_as_wanted(request.response_status, context)
        if not request.response_compressed.value:
            context.disable_next_message_compression()
        return self.messages["SimpleResponse"](payload={"body": bytes(request.response_size)})

    def answers(self, request, context):
        for wanted in request.response_parameters:
            time.sleep(wanted.interval_us / 1e6)
            if not wanted.compressed.value:
                context.disable_next_message_compression()
            yield self.messages["StreamingOutputCallResponse"](payload={"body": bytes(wanted.size)})
        self.end_as_wanted(request.response_status, context)

    def streaming_output_call(self, request, context):
        context.set_compression(grpc.Compression.Gzip)
        self.begin(context)
        yield from self.answers(request, context)

    def streaming_input_call(self, requests, context):
        self.begin(context)
        return self.messages["StreamingInputCallResponse"](aggregated_payload_size=sum(len(request.payload.body) for request in requests))

    def full_duplex_call(self, requests, context):
        self.begin(context)
        for request in requests:
            yield from self.answers(request, context)

    def handlers(self):
        def method(kind, function, takes):
            return kind(function, self.messages[takes].FromString, lambda message: message.SerializeToString())

        return grpc.method_handlers_generic_handler(SERVICE, {
            "EmptyCall": method(grpc.unary_unary_rpc_method_handler, self.empty_call, "Empty"),
            "UnaryCall": method(grpc.unary_unary_rpc_method_handler, self.unary_call, "SimpleRequest"),
            "StreamingOutputCall": method(grpc.unary_stream_rpc_method_handler, self.streaming_output_call, "StreamingOutputCallRequest"),
            "StreamingInputCall": method(grpc.stream_unary_rpc_method_handler, self.streaming_input_call, "StreamingInputCallRequest"),
            "FullDuplexCall": method(grpc.stream_stream_rpc_method_handler, self.full_duplex_call, "StreamingOutputCallRequest"),
        })


def listen(server, options):
    if options.certificate is None:
        return server.add_insecure_port("127.0.0.1:0")
    authority = options.client_ca.read_bytes() if options.client_ca else None
    pair = (options.key.read_bytes(), options.certificate.read_bytes())
    return server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([pair], authority, require_client_auth=authority is not None))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("messages", type=pathlib.Path)
    for name in ("--certificate", "--key", "--client-ca"):
        parser.add_argument(name, type=pathlib.Path)
    options = parser.parse_args()
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(max_workers=8))
    server.add_generic_rpc_handlers((TestService(message_classes(options.messages)).handlers(),))
    port = listen(server, options)
    server.start()
    print(f"ready pid={os.getpid()} h2={port}", flush=True)
    server.wait_for_termination()


if __name__ == "__main__":
    main()
