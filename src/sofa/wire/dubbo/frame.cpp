#include "sofa/wire/dubbo/frame.h"

namespace sofa::dubbo {

std::string_view serialization_name(uint8_t id) {
  switch (id) {
    case 2:
      return "hessian2";
    case 3:
      return "java";
    case 4:
      return "compactedjava";
    case 6:
      return "fastjson";
    case 7:
      return "nativejava";
    case 8:
      return "kryo";
    case 9:
      return "fst";
    case 10:
      return "native-hessian";
    case 11:
      return "avro";
    case 12:
      return "protostuff";
    case 16:
      return "gson";
    case 18:
      return "jackson";
    case 21:
      return "protobuf-json";
    case 22:
      return "protobuf";
    case 23:
      return "fastjson2";
    case 27:
      return "msgpack";
    case 28:
      return "fury";
    default:
      return {};
  }
}

std::string_view to_string(Status status) {
  switch (status) {
    case Status::ok:
      return "ok";
    case Status::serialization_error:
      return "serialization error";
    case Status::client_timeout:
      return "client timeout";
    case Status::server_timeout:
      return "server timeout";
    case Status::channel_inactive:
      return "channel inactive";
    case Status::bad_request:
      return "bad request";
    case Status::bad_response:
      return "bad response";
    case Status::service_not_found:
      return "service not found";
    case Status::service_error:
      return "service error";
    case Status::server_error:
      return "server error";
    case Status::client_error:
      return "client error";
    case Status::threadpool_exhausted:
      return "thread pool exhausted";
  }
  return "unknown status";
}

FrameHead response_to(const FrameHead& request, Status status) {
  return {.request = false, .two_way = false, .event = request.event, .serialization = request.serialization, .status = status, .id = request.id};
}

}  // namespace sofa::dubbo
