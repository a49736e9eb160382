// The contract's gRPC service by its descriptors, which protoc has made of proto/interop.proto.
"use strict";
const fs = require("node:fs");
const { createFileRegistry, fromBinary } = require("@bufbuild/protobuf");
const { FileDescriptorSetSchema } = require("@bufbuild/protobuf/wkt");

function readContract(file) {
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, fs.readFileSync(file)));
  return {
    Interop: registry.getService("sofa.interop.pb.Interop"),
    EchoRequest: registry.getMessage("sofa.interop.pb.EchoRequest"),
    EchoResponse: registry.getMessage("sofa.interop.pb.EchoResponse"),
  };
}

module.exports = { readContract };
