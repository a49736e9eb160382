#!/bin/sh
# Makes interoppb/ from ../proto/interop.proto with protoc and the plugins that go.mod names.
set -eu
package=sofa/interop/grpc/interoppb
protoc -I../proto --plugin="$(go tool -n protoc-gen-go)" --plugin="$(go tool -n protoc-gen-go-grpc)" \
  --go_out=. --go_opt=module=sofa/interop/grpc --go_opt=Minterop.proto=$package \
  --go-grpc_out=. --go-grpc_opt=module=sofa/interop/grpc --go-grpc_opt=Minterop.proto=$package interop.proto
