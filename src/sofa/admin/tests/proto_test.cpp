#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include "sofa/admin/detail/descriptor_writer.h"
#include "sofa/admin/detail/proto_json.h"
#include "sofa/admin/detail/proto_schema.h"

namespace sofa::admin::detail {
namespace {

namespace protobuf = google::protobuf;
using ::testing::HasSubstr;

enum class Mood : uint8_t { calm = 1, wild = 2 };
void describe(EnumDescription<Mood>& d) { d.java_type("demo.Mood").value("calm", Mood::calm).value("wild", Mood::wild); }

struct Toy {
  std::string name{};
  double weight = 0;
  static void describe(Description<Toy>& d) {
    d.java_type("demo.Toy").doc("What it plays with.");
    d.field("name", &Toy::name);
    d.field("weight", &Toy::weight).doc("in kilograms");
  }
};

struct Pet {
  std::string name{};
  bool tame = true;
  int32_t age = -1;
  int64_t chip = 0;
  uint8_t legs = 4;
  uint64_t seen = 0;
  float speed = 0;
  std::vector<uint8_t> picture{};
  Mood mood = Mood::calm;
  std::optional<Toy> favourite{};
  std::vector<Toy> toys{};
  std::vector<int64_t> lucky{};
  std::map<std::string, Toy> by_place{};
  std::map<int32_t, bool> days{};
  std::vector<std::vector<int32_t>> table{};
  static void describe(Description<Pet>& d) {
    d.java_type("demo.Pet");
    d.field("name", &Pet::name).required();
    d.field("tame", &Pet::tame);
    d.field("age", &Pet::age).range(-1, 200);
    d.field("chip", &Pet::chip);
    d.field("legs", &Pet::legs);
    d.field("seen", &Pet::seen);
    d.field("top-speed", &Pet::speed);
    d.field("picture", &Pet::picture);
    d.field("mood", &Pet::mood);
    d.field("favourite", &Pet::favourite);
    d.field("toys", &Pet::toys);
    d.field("lucky", &Pet::lucky);
    d.field("by_place", &Pet::by_place);
    d.field("days", &Pet::days);
    d.field("table", &Pet::table);
  }
};

struct NoName {
  Mood mood = Mood::wild;
  static void describe(Description<NoName>& d) { d.field("mood", &NoName::mood); }
};

Routes pets() {
  Routes routes;
  routes.begin("Pets");
  routes.get("GetPet", "/pets", "pets:read", [](NoName) { return Pet{}; }).doc("Finds a pet.\nOr not.");
  routes.post("AddPet", "/pets", "pets:write", [](Pet) -> Result<void> { return {}; });
  routes.get("Names", "/names", "", [] { return std::vector<std::string>{}; });
  routes.get("Watch", "/watch", "pets:read", [](Nothing, Stream<Pet>&) -> io::Task<Result<void>> { co_return Result<void>(); });
  return routes;
}

/// The API as protobuf's own library understands its descriptors.
struct Judge {
  explicit Judge(const ProtoSchema& schema) {
    for (const Bytes& bytes : {struct_file(), health_file(), schema.file()}) {
      protobuf::FileDescriptorProto file;
      EXPECT_TRUE(file.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
      files.push_back(pool.BuildFile(file));
      EXPECT_NE(files.back(), nullptr) << file.DebugString();
    }
  }
  std::unique_ptr<protobuf::Message> make(const std::string& name) {
    const auto* type = pool.FindMessageTypeByName("sofa.admin.v1." + name);
    EXPECT_NE(type, nullptr) << name;
    return std::unique_ptr<protobuf::Message>(factory.GetPrototype(type)->New());
  }
  protobuf::DescriptorPool pool;
  protobuf::DynamicMessageFactory factory{&pool};
  std::vector<const protobuf::FileDescriptor*> files;
};

const char* const kRex =
    R"({"name":"rex","tame":false,"age":-1,"chip":-9007199254740993,"legs":3,"seen":18446744073709551615,"top-speed":1.5,"picture":"AAH/","mood":"wild",)"
    R"("favourite":{"name":"ball","weight":0.25},"toys":[{"name":"a","weight":0},{"name":"b","weight":1e+30}],"lucky":[7,-8],)"
    R"("by_place":{"attic":{"name":"c","weight":0}},"days":{"1":true,"2":false},"table":[[1,2],[]]})";

TEST(Proto, DescribesTheOperationsSoThatProtobufTakesIt) {
  const Routes routes = pets();
  const ProtoSchema schema(routes.operations());
  Judge judge(schema);
  const auto* service = judge.pool.FindServiceByName("sofa.admin.v1.Pets");
  ASSERT_NE(service, nullptr);
  EXPECT_EQ(service->method_count(), 4);
  EXPECT_EQ(service->FindMethodByName("GetPet")->options().idempotency_level(), protobuf::MethodOptions::NO_SIDE_EFFECTS);
  EXPECT_TRUE(service->FindMethodByName("Watch")->server_streaming());
  EXPECT_EQ(service->FindMethodByName("AddPet")->input_type()->full_name(), "sofa.admin.v1.Pet");
  EXPECT_EQ(service->FindMethodByName("GetPet")->input_type()->full_name(), "sofa.admin.v1.PetsGetPetRequest");
  const auto* pet = judge.pool.FindMessageTypeByName("sofa.admin.v1.Pet");
  EXPECT_EQ(pet->FindFieldByName("top_speed")->number(), 7);
  EXPECT_EQ(pet->FindFieldByName("top_speed")->json_name(), "top-speed");
  EXPECT_TRUE(pet->FindFieldByName("age")->has_presence());
  EXPECT_TRUE(pet->FindFieldByName("by_place")->is_map());
  EXPECT_EQ(judge.pool.FindEnumTypeByName("sofa.admin.v1.Mood")->value(0)->name(), "MOOD_UNSPECIFIED");
}

TEST(Proto, NoMessageIsCalledAsAService) {
  Routes routes;
  routes.begin("Pet");
  routes.get("GetPet", "/pets", "pets:read", [](NoName) { return Pet{}; });
  routes.begin("Mood");
  routes.get("GetMood", "/moods", "pets:read", [] { return NoName{}; });
  const ProtoSchema schema(routes.operations());
  Judge judge(schema);  // protobuf takes it
  ASSERT_NE(judge.pool.FindServiceByName("sofa.admin.v1.Pet"), nullptr);
  EXPECT_NE(judge.pool.FindMessageTypeByName("sofa.admin.v1.demo_Pet"), nullptr);
  EXPECT_NE(judge.pool.FindEnumTypeByName("sofa.admin.v1.demo_Mood"), nullptr);
}

TEST(Proto, ItsTextSaysWhatItsDescriptorSays) {
  const Routes routes = pets();
  const std::string text = ProtoSchema(routes.operations()).text();
  EXPECT_THAT(text, HasSubstr("  // Finds a pet.\n  // Or not.\n  // Permission: pets:read\n  rpc GetPet(PetsGetPetRequest) returns (Pet) {\n"));
  EXPECT_THAT(text, HasSubstr("  rpc Watch(Nothing) returns (stream Pet) {\n"));
  EXPECT_THAT(text, HasSubstr("  optional float top_speed = 7 [json_name = \"top-speed\"];\n"));
  EXPECT_THAT(text, HasSubstr("  map<int32, bool> days = 14"));
  EXPECT_THAT(text, HasSubstr("  repeated google.protobuf.Value table = 15"));
  EXPECT_THAT(text, HasSubstr("// What it plays with.\nmessage Toy {\n"));
  EXPECT_THAT(text, HasSubstr("  repeated string value = 1"));
}

TEST(Proto, KnowsItsSymbols) {
  const Routes routes = pets();
  const ProtoSchema schema(routes.operations());
  for (const char* known : {"Pets", "Pets.GetPet", "Pet", "Pet.age", "Pet.DaysEntry", "Mood"})
    EXPECT_TRUE(schema.has(fmt::format("sofa.admin.v1.{}", known))) << known;
  for (const char* unknown : {"sofa.admin.v1", "sofa.admin.v1.", "sofa.admin.v1.Cat", "sofa.admin.v1.Pets.Cat", "sofa.admin.v1Pet", ""})
    EXPECT_FALSE(schema.has(unknown)) << unknown;
}

TEST(Proto, TakesAMessageThatProtobufHasWritten) {
  const Routes routes = pets();
  Judge judge{ProtoSchema(routes.operations())};
  const auto message = judge.make("Pet");
  std::string json = kRex;
  json.replace(json.find("\"wild\""), 6, "\"MOOD_WILD\"");
  ASSERT_TRUE(protobuf::util::JsonStringToMessage(json, message.get()).ok());
  const auto back = json_of_message(type_of<Pet>(), as_bytes(message->SerializeAsString()));
  ASSERT_TRUE(back) << back.error().to_string();
  const auto pet = from_json<Pet>(*back);
  ASSERT_TRUE(pet) << pet.error().to_string() << *back;
  EXPECT_EQ(to_json(*pet).value(), to_json(from_json<Pet>(kRex).value()).value());
}

TEST(Proto, WritesAMessageThatProtobufTakes) {
  const Routes routes = pets();
  Judge judge{ProtoSchema(routes.operations())};
  const auto written = message_of_json(type_of<Pet>(), to_json(from_json<Pet>(kRex).value()).value());
  ASSERT_TRUE(written) << written.error().to_string();
  const auto message = judge.make("Pet");
  ASSERT_TRUE(message->ParseFromArray(written->data(), static_cast<int>(written->size())));
  EXPECT_EQ(message->GetReflection()->GetUnknownFields(*message).field_count(), 0);
  const auto expected = judge.make("Pet");
  std::string json = kRex;
  json.replace(json.find("\"wild\""), 6, "\"MOOD_WILD\"");
  ASSERT_TRUE(protobuf::util::JsonStringToMessage(json, expected.get()).ok());
  EXPECT_EQ(message->DebugString(), expected->DebugString());
}

TEST(Proto, WhatIsLeftOutKeepsItsDefault) {
  const auto json = json_of_message(type_of<Pet>(), as_bytes(std::string_view("\x0a\x01r", 3)));
  ASSERT_TRUE(json);
  EXPECT_EQ(*json, R"({"name":"r"})");
  EXPECT_TRUE(from_json<Pet>(*json)->tame);
}

TEST(Proto, AListStandsInAMessageWithOneField) {
  const auto written = message_of_json(type_of<std::vector<std::string>>(), R"(["a","b"])");
  ASSERT_TRUE(written);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(written->data()), written->size()),
            "\x0a\x01"
            "a\x0a\x01"
            "b");
  EXPECT_EQ(json_of_message(type_of<std::vector<std::string>>(), written->span()).value(), R"(["a","b"])");
}

TEST(Proto, SaysWhatIsWrongWithAMessage) {
  const auto wrong = [](std::string_view bytes) {
    const auto json = json_of_message(type_of<Pet>(), as_bytes(bytes));
    return json ? *json : json.error().to_string();
  };
  EXPECT_THAT(wrong("\x08\x01"), HasSubstr("field 1, 'name', has the wrong wire type 0"));
  EXPECT_THAT(wrong("\x0a\x05r"), HasSubstr("no protobuf"));
  EXPECT_THAT(wrong(std::string_view("\x48\x07", 2)), HasSubstr("7 is no value of an enum"));
  const std::string many = std::string("\x62\xc0\x84\x3d", 4) + std::string(1'000'000, '\1') + std::string("\x60\x01", 2);
  EXPECT_THAT(wrong(many), HasSubstr("more than 1000000 values"));
}

}  // namespace
}  // namespace sofa::admin::detail
