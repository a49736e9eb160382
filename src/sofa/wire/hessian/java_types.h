#pragma once
// The JDK's value types as C++ structs, usable as fields and arguments of described types. Their class names and fields on the wire differ
// between the Java libraries (docs/protocols/hessian.md, section 3): reader and writer take care of that, the structs do not show it. Their JSON is
// what Jackson writes and reads (docs/protocols/sofarpc.md, section 2.4).

#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sofa/base/description.h"
#include "sofa/base/error.h"
#include "sofa/wire/hessian/value.h"

namespace sofa::hessian {

// JSON: a date is its milliseconds, numbers are numbers, the others what Java's toString gives.
extern const TextForm kTimestampText, kBigDecimalText, kBigIntegerText, kUuidText, kLocaleText, kLocalDateText, kLocalTimeText, kLocalDateTimeText,
    kZoneOffsetText;

/// java.util.Date: milliseconds since 1970 UTC. (A null Date: std::optional<Timestamp>.)
struct Timestamp {
  int64_t milliseconds = 0;
  /// "2000-01-31", "2000-01-31T10:00:00.5", with Z, +08:00 or +0800 behind a time; UTC without. Years 0 to 9999, digits after a millisecond are cut.
  static Result<Timestamp> parse(std::string_view iso);
  friend auto operator<=>(const Timestamp&, const Timestamp&) = default;
};

/// java.math.BigDecimal as Java prints it: "12.50", "1E+3".
struct BigDecimal {
  std::string value = "0";
  friend bool operator==(const BigDecimal&, const BigDecimal&) = default;
  static auto describe(Description<BigDecimal>& d) {
    d.java_type("java.math.BigDecimal").text_form(kBigDecimalText).field("value", &BigDecimal::value);
  }
};

/// java.math.BigInteger: sign and magnitude words, the most significant first, no leading zero word.
struct BigInteger {
  int32_t sign = 0;  // -1, 0, 1
  Array<int32_t> magnitude;
  friend bool operator==(const BigInteger&, const BigInteger&) = default;
  static BigInteger of(int64_t value);
  /// Decimal digits with an optional minus sign; anything else is invalid_argument. At most 10,000 digits.
  static Result<BigInteger> parse(std::string_view decimal);
  std::string to_string() const;
  static auto describe(Description<BigInteger>& d) {
    d.java_type("java.math.BigInteger").text_form(kBigIntegerText);
    d.field("signum", &BigInteger::sign);
    d.field("mag", &BigInteger::magnitude);
  }
};

/// java.util.UUID.
struct Uuid {
  uint64_t high = 0, low = 0;
  friend bool operator==(const Uuid&, const Uuid&) = default;
  static Result<Uuid> parse(std::string_view text);  // 8-4-4-4-12 hex digits
  std::string to_string() const;
};

/// java.util.Locale as its text: "zh_CN".
struct Locale {
  std::string value;
  friend bool operator==(const Locale&, const Locale&) = default;
  static auto describe(Description<Locale>& d) { d.java_type("java.util.Locale").text_form(kLocaleText).field("value", &Locale::value); }
};

/// java.time.LocalDate of the proleptic calendar.
struct LocalDate {
  int32_t year = 1970, month = 1, day = 1;
  friend auto operator<=>(const LocalDate&, const LocalDate&) = default;
  static constexpr int32_t kLeastYear = -999'999'999, kMostYear = 999'999'999;  // java.time's
  /// out_of_range when the day lies in none of java.time's years, invalid_argument when this is no date of the calendar.
  Result<LocalDate> plus_days(int64_t days) const;
  /// "2000-01-31"; years 0 to 9999 are parsed.
  std::string to_string() const;
  static Result<LocalDate> parse(std::string_view text);
  static auto describe(Description<LocalDate>& d) {
    d.java_type("java.time.LocalDate").text_form(kLocalDateText);
    d.field("year", &LocalDate::year);
    d.field("month", &LocalDate::month);
    d.field("day", &LocalDate::day);
  }
};

struct LocalTime {
  int32_t hour = 0, minute = 0, second = 0, nano = 0;
  friend auto operator<=>(const LocalTime&, const LocalTime&) = default;
  /// "10:15", "10:15:30", "10:15:30.5": Java prints three, six or nine digits.
  std::string to_string() const;
  static Result<LocalTime> parse(std::string_view text);
  static auto describe(Description<LocalTime>& d) {
    d.java_type("java.time.LocalTime").text_form(kLocalTimeText);
    d.field("hour", &LocalTime::hour);
    d.field("minute", &LocalTime::minute);
    d.field("second", &LocalTime::second);
    d.field("nano", &LocalTime::nano);
  }
};

struct LocalDateTime {
  LocalDate date;
  LocalTime time;
  friend auto operator<=>(const LocalDateTime&, const LocalDateTime&) = default;
  /// "2000-01-31T10:15:30".
  std::string to_string() const;
  static Result<LocalDateTime> parse(std::string_view text);
  static auto describe(Description<LocalDateTime>& d) {
    d.java_type("java.time.LocalDateTime").text_form(kLocalDateTimeText);
    d.field("date", &LocalDateTime::date);
    d.field("time", &LocalDateTime::time);
  }
};

/// java.time.Instant: seconds since 1970 UTC and nanoseconds 0..999,999,999.
struct Instant {
  int64_t seconds = 0;
  int32_t nanos = 0;
  friend auto operator<=>(const Instant&, const Instant&) = default;
  static auto describe(Description<Instant>& d) {
    d.java_type("java.time.Instant");
    d.field("seconds", &Instant::seconds);
    d.field("nanos", &Instant::nanos);
  }
};

struct Duration {
  int64_t seconds = 0;
  int32_t nanos = 0;
  friend auto operator<=>(const Duration&, const Duration&) = default;
  static auto describe(Description<Duration>& d) {
    d.java_type("java.time.Duration");
    d.field("seconds", &Duration::seconds);
    d.field("nanos", &Duration::nanos);
  }
};

struct Period {
  int32_t years = 0, months = 0, days = 0;
  friend bool operator==(const Period&, const Period&) = default;
  static auto describe(Description<Period>& d) {
    d.java_type("java.time.Period");
    d.field("years", &Period::years);
    d.field("months", &Period::months);
    d.field("days", &Period::days);
  }
};

struct Year {
  int32_t year = 1970;
  friend auto operator<=>(const Year&, const Year&) = default;
  static auto describe(Description<Year>& d) { d.java_type("java.time.Year").field("year", &Year::year); }
};

struct YearMonth {
  int32_t year = 1970, month = 1;
  friend auto operator<=>(const YearMonth&, const YearMonth&) = default;
  static auto describe(Description<YearMonth>& d) {
    d.java_type("java.time.YearMonth");
    d.field("year", &YearMonth::year);
    d.field("month", &YearMonth::month);
  }
};

struct MonthDay {
  int32_t month = 1, day = 1;
  friend auto operator<=>(const MonthDay&, const MonthDay&) = default;
  static auto describe(Description<MonthDay>& d) {
    d.java_type("java.time.MonthDay");
    d.field("month", &MonthDay::month);
    d.field("day", &MonthDay::day);
  }
};

/// java.time.ZoneOffset: seconds east of UTC, at most 18 hours either way.
struct ZoneOffset {
  int32_t seconds = 0;
  friend bool operator==(const ZoneOffset&, const ZoneOffset&) = default;
  /// "+08:00", "Z", "-05:30:15" as Java prints it.
  std::string to_string() const;
  static Result<ZoneOffset> parse(std::string_view text);
};

/// java.time.ZoneId: "Asia/Shanghai".
struct ZoneId {
  std::string id;
  friend bool operator==(const ZoneId&, const ZoneId&) = default;
  static auto describe(Description<ZoneId>& d) { d.java_type("java.time.ZoneId").field("zoneId", &ZoneId::id); }
};

}  // namespace sofa::hessian

namespace sofa {
template <>
struct TypeTraits<hessian::Timestamp> {
  static constexpr bool kKnown = true;
  static void fill(Type& type) { type.java_type = "java.util.Date", type.text_form = &hessian::kTimestampText; }
};
template <>
struct TypeTraits<hessian::Uuid> {
  static constexpr bool kKnown = true;
  static void fill(Type& type) { type.java_type = "java.util.UUID", type.text_form = &hessian::kUuidText; }
};
template <>
struct TypeTraits<hessian::ZoneOffset> {
  static constexpr bool kKnown = true;
  static void fill(Type& type) { type.java_type = "java.time.ZoneOffset", type.text_form = &hessian::kZoneOffsetText; }
};
}  // namespace sofa

namespace sofa::hessian {

struct OffsetTime {
  LocalTime time;
  ZoneOffset offset;
  friend bool operator==(const OffsetTime&, const OffsetTime&) = default;
  static auto describe(Description<OffsetTime>& d) {
    d.java_type("java.time.OffsetTime");
    d.field("localTime", &OffsetTime::time);
    d.field("zoneOffset", &OffsetTime::offset);
  }
};

struct OffsetDateTime {
  LocalDateTime date_time;
  ZoneOffset offset;
  friend bool operator==(const OffsetDateTime&, const OffsetDateTime&) = default;
  static auto describe(Description<OffsetDateTime>& d) {
    d.java_type("java.time.OffsetDateTime");
    d.field("dateTime", &OffsetDateTime::date_time);
    d.field("offset", &OffsetDateTime::offset);
  }
};

struct ZonedDateTime {
  std::string zone;  // "Asia/Shanghai"
  LocalDateTime date_time;
  ZoneOffset offset;
  friend bool operator==(const ZonedDateTime&, const ZonedDateTime&) = default;
  static auto describe(Description<ZonedDateTime>& d) {
    d.java_type("java.time.ZonedDateTime");
    d.field("zoneId", &ZonedDateTime::zone);
    d.field("dateTime", &ZonedDateTime::date_time);
    d.field("offset", &ZonedDateTime::offset);
  }
};

}  // namespace sofa::hessian
