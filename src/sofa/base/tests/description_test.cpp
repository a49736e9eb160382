#include "sofa/base/description.h"

#include <gtest/gtest.h>

namespace sofa {
namespace {

enum class Level { bronze, silver };
void describe(EnumDescription<Level>& d) { d.java_type("t.Level").value("BRONZE", Level::bronze).value("SILVER", Level::silver); }

struct Person {
  std::string name;
  int32_t age = 7;
  Link<Person> manager;
  std::vector<Person> team;
  std::map<std::string, int64_t> scores;
  std::optional<int32_t> rank;
  Array<std::string> tags;
  Level level = Level::bronze;
  static auto describe(Description<Person>& d) {
    d.java_type("t.Person").doc("someone");
    d.field("name", &Person::name).doc("as in the passport").alias("full_name");
    d.field("age", &Person::age).range(0, 150).unit("years");
    d.field("manager", &Person::manager);
    d.field("team", &Person::team);
    d.field("scores", &Person::scores);
    d.field("rank", &Person::rank);
    d.field("tags", &Person::tags);
    d.field("level", &Person::level);
  }
};

struct Employee : Person {
  double pay = 0;
  static auto describe(Description<Employee>& d) {
    d.java_type("t.Employee");
    d.field("pay", &Employee::pay).secret();
    d.inherit<Person>();
  }
};

TEST(Description, GivesAWalkableTable) {
  const Type& type = type_of<Person>();
  ASSERT_EQ(type.kind, Kind::structure);
  EXPECT_EQ(type.java_type, "t.Person");
  ASSERT_EQ(type.structure->fields.size(), 8u);
  Person person;
  person.name = "bob";
  const Field* name = type.structure->find("full_name");
  ASSERT_NE(name, nullptr);
  EXPECT_EQ(*static_cast<const std::string*>(name->in(static_cast<const void*>(&person))), "bob");
  EXPECT_EQ(java_type_of(type.structure->find("manager")->type()), "t.Person");
  EXPECT_EQ(type.structure->find("rank")->type().java_type, "java.lang.Integer");
  EXPECT_EQ(type.structure->find("tags")->type().java_type, "[Ljava.lang.String;");
  EXPECT_EQ(type_of<Array<Array<int32_t>>>().java_type, "[[I");
  EXPECT_TRUE(type.has_links());
  EXPECT_FALSE(type_of<std::vector<std::string>>().has_links());
}

TEST(Description, ListsAndMapsAreBuiltWithoutKnowingTheirType) {
  Person person;
  const Type& type = type_of<Person>();
  const Field& tags = *type.structure->find("tags");
  auto* tag = static_cast<std::string*>(tags.type().list->append(tags.in(static_cast<void*>(&person))));
  *tag = "a";
  EXPECT_EQ(person.tags.items, std::vector<std::string>{"a"});
  const Field& scores = *type.structure->find("scores");
  scores.type().map->insert(scores.in(static_cast<void*>(&person)), nullptr, [](void*, void* key, void* value) {
    *static_cast<std::string*>(key) = "k";
    *static_cast<int64_t*>(value) = 5;
    return true;
  });
  EXPECT_EQ(person.scores.at("k"), 5);
}

TEST(Description, InheritedFieldsComeWithTheirDepthAndOffset) {
  const Type& type = type_of<Employee>();
  Employee employee;
  employee.age = 40;
  const Field* age = type.structure->find("age");
  ASSERT_NE(age, nullptr);
  EXPECT_EQ(age->inherited, 1);
  EXPECT_EQ(*static_cast<const int32_t*>(age->in(static_cast<const void*>(&employee))), 40);
  EXPECT_EQ(type.structure->find("pay")->inherited, 0);
}

TEST(Graph, FreesCyclesWhole) {
  auto a = Graph<Person>::make();
  Person* b = a.arena().make<Person>();
  a->name = std::string(100, 'a');
  b->name = std::string(100, 'b');
  a->manager = b;
  b->manager = a.get();
  Graph<Person> copy = a;
  EXPECT_EQ(copy->manager->manager->name, a->name);
}

TEST(Enum, IsReadAndWrittenByNumberAndName) {
  const Type& type = type_of<Level>();
  Level level = Level::silver;
  EXPECT_EQ(type.enumeration->by_number(type.get_number(&level))->name, "SILVER");
  type.set_number(&level, type.enumeration->by_name("BRONZE")->number);
  EXPECT_EQ(level, Level::bronze);
}

}  // namespace
}  // namespace sofa
