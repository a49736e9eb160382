#include "sofa/wire/hessian/java_types.h"

#include <algorithm>
#include <chrono>

#include "sofa/base/text.h"

namespace sofa::hessian {

namespace {

constexpr size_t kMostDigits = 10'000;  // parse and print are quadratic

/// words = words * factor + add, most significant word last.
void multiply_add(std::vector<uint32_t>& words, uint32_t factor, uint32_t add) {
  uint64_t carry = add;
  for (uint32_t& word : words) {
    carry += uint64_t{word} * factor;
    word = static_cast<uint32_t>(carry);
    carry >>= 32;
  }
  if (carry != 0) words.push_back(static_cast<uint32_t>(carry));
}

BigInteger from_words(int32_t sign, const std::vector<uint32_t>& words) {
  BigInteger result;
  for (size_t i = words.size(); i-- > 0;) {
    if (words[i] != 0 || !result.magnitude.items.empty()) result.magnitude.items.push_back(static_cast<int32_t>(words[i]));
  }
  result.sign = result.magnitude.items.empty() ? 0 : sign;
  return result;
}

}  // namespace

BigInteger BigInteger::of(int64_t value) {
  const uint64_t size = value < 0 ? 0 - static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
  return from_words(value < 0 ? -1 : 1, {static_cast<uint32_t>(size), static_cast<uint32_t>(size >> 32)});
}

Result<BigInteger> BigInteger::parse(std::string_view decimal) {
  const bool negative = decimal.starts_with('-');
  const std::string_view digits = decimal.substr(negative ? 1 : 0);
  if (digits.empty() || digits.size() > kMostDigits || digits.find_first_not_of("0123456789") != std::string_view::npos) {
    return fail(Code::invalid_argument, "\"{}\" is no whole number of at most {} decimal digits", decimal.substr(0, 40), kMostDigits);
  }
  std::vector<uint32_t> words;
  for (char digit : digits) multiply_add(words, 10, static_cast<uint32_t>(digit - '0'));
  return from_words(negative ? -1 : 1, words);
}

std::string BigInteger::to_string() const {
  std::vector<uint32_t> words;
  for (size_t i = magnitude.items.size(); i-- > 0;) words.push_back(static_cast<uint32_t>(magnitude.items[i]));
  std::string digits;
  while (!words.empty()) {
    uint64_t rest = 0;
    for (size_t i = words.size(); i-- > 0;) {
      rest = rest << 32 | words[i];
      words[i] = static_cast<uint32_t>(rest / 10);
      rest %= 10;
    }
    digits.push_back(static_cast<char>('0' + rest));
    while (!words.empty() && words.back() == 0) words.pop_back();
  }
  if (digits.empty()) return "0";
  if (sign < 0) digits.push_back('-');
  std::ranges::reverse(digits);
  return digits;
}

Result<Uuid> Uuid::parse(std::string_view text) {
  constexpr size_t kDashes[] = {8, 13, 18, 23};
  Uuid uuid;
  bool good = text.size() == 36;
  size_t digits = 0;
  for (size_t i = 0; good && i < text.size(); ++i) {
    if (std::ranges::find(kDashes, i) != std::end(kDashes)) {
      good = text[i] == '-';
      continue;
    }
    const int digit = hex_digit(text[i]);
    good = digit >= 0;
    uint64_t& half = digits++ < 16 ? uuid.high : uuid.low;
    half = half << 4 | static_cast<uint64_t>(digit);
  }
  if (!good) return fail(Code::invalid_argument, "\"{}\" is no UUID; write 8-4-4-4-12 hex digits", text.substr(0, 60));
  return uuid;
}

std::string Uuid::to_string() const {
  return fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", high >> 32, high >> 16 & 0xffff, high & 0xffff, low >> 48, low & 0xffffffffffffu);
}

namespace {
int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }
}  // namespace

Result<LocalDate> LocalDate::plus_days(int64_t days) const {
  using namespace std::chrono;
  // The calendar repeats after 400 years, and chrono knows a few thousand years alone: it moves within an era, the eras are counted here.
  constexpr int64_t kYearsOfEra = 400, kDaysOfEra = 146'097;
  const int64_t era = floor_div(year, kYearsOfEra), eras = floor_div(days, kDaysOfEra);
  const year_month_day start{std::chrono::year(static_cast<int>(year - era * kYearsOfEra)), std::chrono::month(static_cast<unsigned>(month)),
                             std::chrono::day(static_cast<unsigned>(day))};
  if (month < 1 || month > 12 || day < 1 || day > 31 || !start.ok())
    return fail(Code::invalid_argument, "{} is no date of the calendar", to_string());
  const year_month_day moved = sys_days(start) + std::chrono::days(days - eras * kDaysOfEra);
  const int64_t moved_year = (era + eras) * kYearsOfEra + static_cast<int>(moved.year());
  if (moved_year < kLeastYear || moved_year > kMostYear) {
    return fail(Code::out_of_range, "{} and {} days is in the year {}; java.time ends at {} and {}", to_string(), days, moved_year, kLeastYear,
                kMostYear);
  }
  return LocalDate{static_cast<int32_t>(moved_year), static_cast<int32_t>(static_cast<unsigned>(moved.month())),
                   static_cast<int32_t>(static_cast<unsigned>(moved.day()))};
}

namespace {

/// Takes up to `most` digits from the front of a text; false when there are fewer than `least`.
bool take_number(std::string_view& text, size_t least, size_t most, int32_t& number) {
  size_t n = 0;
  for (number = 0; n < most && n < text.size() && text[n] >= '0' && text[n] <= '9'; ++n) number = number * 10 + (text[n] - '0');
  text.remove_prefix(n);
  return n >= least;
}

bool take_char(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

bool take_date(std::string_view& text, LocalDate& date) {
  using namespace std::chrono;
  return take_number(text, 4, 4, date.year) && take_char(text, '-') && take_number(text, 2, 2, date.month) && take_char(text, '-') &&
         take_number(text, 2, 2, date.day) && (year(date.year) / static_cast<unsigned>(date.month) / static_cast<unsigned>(date.day)).ok();
}

bool take_time(std::string_view& text, LocalTime& time) {
  if (!take_number(text, 2, 2, time.hour) || !take_char(text, ':') || !take_number(text, 2, 2, time.minute)) return false;
  if (take_char(text, ':')) {
    if (!take_number(text, 2, 2, time.second)) return false;
    if (take_char(text, '.')) {
      const size_t before = text.size();
      if (!take_number(text, 1, 9, time.nano)) return false;
      for (size_t digits = before - text.size(); digits < 9; ++digits) time.nano *= 10;
    }
  }
  return time.hour < 24 && time.minute < 60 && time.second < 60;
}

/// Z, +08:00, +0800, +08; nothing is UTC.
bool take_offset(std::string_view& text, int32_t& seconds) {
  seconds = 0;
  if (text.empty() || take_char(text, 'Z')) return true;
  const bool west = text.starts_with('-');
  if (!west && !text.starts_with('+')) return false;
  text.remove_prefix(1);
  int32_t hours = 0, minutes = 0;
  if (!take_number(text, 2, 2, hours)) return false;
  take_char(text, ':');
  if (!text.empty() && !take_number(text, 2, 2, minutes)) return false;
  seconds = (hours * 3600 + minutes * 60) * (west ? -1 : 1);
  return hours <= 18 && minutes < 60;
}

}  // namespace

Result<Timestamp> Timestamp::parse(std::string_view iso) {
  using namespace std::chrono;
  std::string_view rest = iso;
  LocalDate date;
  LocalTime time;
  int32_t offset = 0;
  bool good = take_date(rest, date);
  if (good && !rest.empty()) good = (take_char(rest, 'T') || take_char(rest, ' ')) && take_time(rest, time) && take_offset(rest, offset);
  if (!good || !rest.empty()) {
    return fail(Code::invalid_argument, "\"{}\" is no date; write 2000-01-31T10:00:00Z or milliseconds since 1970", iso.substr(0, 60));
  }
  const sys_days day = year(date.year) / static_cast<unsigned>(date.month) / static_cast<unsigned>(date.day);
  const int64_t seconds = day.time_since_epoch().count() * int64_t{86400} + time.hour * 3600 + time.minute * 60 + time.second - offset;
  return Timestamp{seconds * 1000 + time.nano / 1'000'000};
}

std::string LocalDate::to_string() const {
  if (year < 0) return fmt::format("-{:04}-{:02}-{:02}", -int64_t{year}, month, day);
  return fmt::format("{}{:04}-{:02}-{:02}", year > 9999 ? "+" : "", year, month, day);
}

Result<LocalDate> LocalDate::parse(std::string_view text) {
  std::string_view rest = text;
  LocalDate date;
  if (!take_date(rest, date) || !rest.empty()) return fail(Code::invalid_argument, "\"{}\" is no date; write 2000-01-31", text.substr(0, 60));
  return date;
}

std::string LocalTime::to_string() const {
  std::string text = fmt::format("{:02}:{:02}", hour, minute);
  if (second != 0 || nano != 0) text += fmt::format(":{:02}", second);
  if (nano == 0) return text;
  if (nano % 1'000'000 == 0) return text + fmt::format(".{:03}", nano / 1'000'000);
  if (nano % 1000 == 0) return text + fmt::format(".{:06}", nano / 1000);
  return text + fmt::format(".{:09}", nano);
}

Result<LocalTime> LocalTime::parse(std::string_view text) {
  std::string_view rest = text;
  LocalTime time;
  if (!take_time(rest, time) || !rest.empty()) return fail(Code::invalid_argument, "\"{}\" is no time; write 10:15:30.5", text.substr(0, 60));
  return time;
}

std::string LocalDateTime::to_string() const { return fmt::format("{}T{}", date.to_string(), time.to_string()); }

Result<LocalDateTime> LocalDateTime::parse(std::string_view text) {
  std::string_view rest = text;
  LocalDateTime made;
  if (!take_date(rest, made.date) || !take_char(rest, 'T') || !take_time(rest, made.time) || !rest.empty()) {
    return fail(Code::invalid_argument, "\"{}\" is no date and time; write 2000-01-31T10:15:30", text.substr(0, 60));
  }
  return made;
}

std::string ZoneOffset::to_string() const {
  if (seconds == 0) return "Z";
  const int32_t size = seconds < 0 ? -seconds : seconds;
  std::string text = fmt::format("{}{:02}:{:02}", seconds < 0 ? '-' : '+', size / 3600, size / 60 % 60);
  if (size % 60 != 0) text += fmt::format(":{:02}", size % 60);
  return text;
}

Result<ZoneOffset> ZoneOffset::parse(std::string_view text) {
  if (text == "Z") return ZoneOffset{};
  int32_t parts[3] = {};
  size_t count = 0;
  bool good = (text.size() == 6 || text.size() == 9) && (text[0] == '+' || text[0] == '-');
  for (size_t i = 1; good && i < text.size(); i += 3, ++count) {
    const auto part = whole_number<uint8_t>(text.substr(i, 2));
    good = part && (i == 1 || text[i - 1] == ':');
    parts[count] = part.value_or(0);
  }
  const int32_t seconds = parts[0] * 3600 + parts[1] * 60 + parts[2];
  if (!good || seconds > 18 * 3600) return fail(Code::invalid_argument, "\"{}\" is no zone offset; write +08:00 or Z", text.substr(0, 40));
  return ZoneOffset{text[0] == '-' ? -seconds : seconds};
}

}  // namespace sofa::hessian
