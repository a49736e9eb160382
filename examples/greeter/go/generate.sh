#!/bin/sh
# Makes greeterpb/ from ../greeter.proto with protoc and the plugins that go.mod names.
set -eu
protoc -I.. --plugin="$(go tool -n protoc-gen-go)" --plugin="$(go tool -n protoc-gen-go-grpc)" \
  --go_out=. --go_opt=module=acme/greeter --go-grpc_out=. --go-grpc_opt=module=acme/greeter greeter.proto
