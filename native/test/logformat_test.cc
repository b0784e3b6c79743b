// Every format byte by byte, as ContainerPilot 2.7.8 and 3.8.0 print it.
#include "../logformat.h"

#include <locale.h>
#include <stdlib.h>
#include <time.h>

#include <string>
#include <vector>

#include "check.h"

using namespace pilot;

namespace {

Bytes bytes(const std::string& text) { return {text.data(), text.size()}; }

struct NamedField {
  std::string key, value;
  bool number;
};

struct Case {
  const char* name;
  LogStyle style;
  LogLevel level;
  std::string message;
  std::vector<NamedField> fields;
  std::string want;
};

constexpr LogStyle v2_plain = {LogFormat::plain, LogDialect::v2, false};
constexpr LogStyle v3_plain = {LogFormat::plain, LogDialect::v3, false};
constexpr LogStyle v2_text = {LogFormat::text, LogDialect::v2, false};
constexpr LogStyle v3_text = {LogFormat::text, LogDialect::v3, false};
constexpr LogStyle v2_colour = {LogFormat::text, LogDialect::v2, true};
constexpr LogStyle v2_json = {LogFormat::json, LogDialect::v2, false};
constexpr LogStyle v3_json = {LogFormat::json, LogDialect::v3, false};

/** 2017-08-22 03:04:05.120450000 UTC, +02:00 in the zone of the test. */
constexpr int64_t moment_ns = INT64_C(1503371045) * 1000000000 + 120450000;

std::string line_at(const LogStyle& style, LogLevel level, const std::string& message, const std::vector<NamedField>& named,
                    int64_t wall_ns, int64_t uptime_s = 7) {
  std::vector<LogField> fields;
  for (const NamedField& field : named) fields.push_back({bytes(field.key), bytes(field.value), field.number});
  LogEntry entry = {level, wall_ns, uptime_s, bytes(message), fields.data(), fields.size()};
  LocalOffset offset;
  // Exactly the promised room, so that the sanitizer sees a byte too many.
  size_t room = log_line_max(entry);
  char* out = static_cast<char*>(malloc(room));
  std::string line(out, log_line(out, style, entry, offset));
  free(out);
  return line;
}

const char v2_time[] = "2017/08/22 05:04:05 ";
#define T2 "time=\"2017-08-22T05:04:05+02:00\" "
#define J2 "\"time\":\"2017-08-22T05:04:05+02:00\""
#define J3 "\"time\":\"2017-08-22T05:04:05.12045+02:00\""

using namespace std::string_literals;
const std::vector<NamedField> health = {{"serviceName", "app", false}, {"process", "health", false}, {"serviceID", "app-1", false}};
const std::vector<NamedField> job = {{"pid", "123", true}, {"job", "web", false}};

const Case cases[] = {
    {"v2 default: neither level nor fields", v2_plain, LogLevel::error, "hello", health, v2_time + "hello\n"s},
    {"v2 default: empty message leaves its space", v2_plain, LogLevel::info, "", {}, v2_time + "\n"s},
    {"v2 default: several lines as they are", v2_plain, LogLevel::info, "a\nb\n", {}, v2_time + "a\nb\n\n"s},
    {"v2 default: any byte", v2_plain, LogLevel::info, "\0\xff<\x1b"s, {}, v2_time + "\0\xff<\x1b\n"s},
    {"v3 default: job and pid", v3_plain, LogLevel::info, "hello", job, "2017-08-22T05:04:05.12045+02:00 web 123 hello\n"},
    {"v3 default: pid only, others hidden", v3_plain, LogLevel::info, "x", {{"check", "check.web", false}, {"pid", "9", true}},
     "2017-08-22T05:04:05.12045+02:00 9 x\n"},
    {"v3 default: empty message", v3_plain, LogLevel::info, "", {}, "2017-08-22T05:04:05.12045+02:00 \n"},

    {"text: fields sorted, a space behind each", v2_text, LogLevel::info, "hello", health,
     T2 "level=info msg=hello process=health serviceID=app-1 serviceName=app \n"},
    {"text: v3 has whole seconds, too", v3_text, LogLevel::info, "hello", job, T2 "level=info msg=hello job=web pid=123 \n"},
    {"text: bare letters, digits, dot, minus", v2_text, LogLevel::info, "app.health.Cmd-1.Start", {},
     T2 "level=info msg=app.health.Cmd-1.Start \n"},
    {"text: an underscore is quoted", v2_text, LogLevel::info, "a_b", {}, T2 "level=info msg=\"a_b\" \n"},
    {"text: quotes inside are not escaped", v2_text, LogLevel::info, "say \"hi\"", {}, T2 "level=info msg=\"say \"hi\"\" \n"},
    {"text: newlines inside are not escaped", v2_text, LogLevel::info, "a\nb", {}, T2 "level=info msg=\"a\nb\" \n"},
    {"text: no msg when empty", v2_text, LogLevel::info, "", health,
     T2 "level=info process=health serviceID=app-1 serviceName=app \n"},
    {"text: an empty value is bare", v2_text, LogLevel::info, "x", {{"coprocess", "", false}}, T2 "level=info msg=x coprocess= \n"},
    {"text: umlauts are quoted as they are", v2_text, LogLevel::info, "\xc3\xa4", {}, T2 "level=info msg=\"\xc3\xa4\" \n"},
    {"text: NUL and broken UTF-8 as they are", v2_text, LogLevel::info, "a\0\xff"s, {}, T2 "level=info msg=\"a\0\xff\" \n"s},
    {"text: a field of a line's own name stays", v2_text, LogLevel::info, "x", {{"msg", "y", false}},
     T2 "level=info msg=x msg=y \n"},
    {"text: debug", v2_text, LogLevel::debug, "x", {}, T2 "level=debug msg=x \n"},
    {"text: warning", v2_text, LogLevel::warn, "x", {}, T2 "level=warning msg=x \n"},
    {"text: error", v2_text, LogLevel::error, "x", {}, T2 "level=error msg=x \n"},
    {"text: fatal", v2_text, LogLevel::fatal, "x", {}, T2 "level=fatal msg=x \n"},
    {"text: panic", v2_text, LogLevel::panic, "x", {}, T2 "level=panic msg=x \n"},

    {"terminal: padded to 44", v2_colour, LogLevel::info, "hello", {},
     "\x1b[34mINFO\x1b[0m[0007] hello                                        \n"},
    {"terminal: fields", v2_colour, LogLevel::warn, "hi", {{"b", "x y", false}, {"a", "1", true}},
     "\x1b[33mWARN\x1b[0m[0007] hi                                            \x1b[33ma\x1b[0m=1 \x1b[33mb\x1b[0m=\"x y\"\n"},
    {"terminal: width in code points", v2_colour, LogLevel::debug, "\xc3\xa4\xe2\x82\xac\xff", {},
     "\x1b[37mDEBU\x1b[0m[0007] \xc3\xa4\xe2\x82\xac\xff                                          \n"},
    {"terminal: longer than 44", v2_colour, LogLevel::error, std::string(50, 'x'), {},
     "\x1b[31mERRO\x1b[0m[0007] " + std::string(50, 'x') + " \n"},
    {"terminal: fatal", v2_colour, LogLevel::fatal, std::string(44, 'x'), {},
     "\x1b[31mFATA\x1b[0m[0007] " + std::string(44, 'x') + " \n"},

    {"json: keys sorted", v2_json, LogLevel::info, "hello", health,
     "{\"level\":\"info\",\"msg\":\"hello\",\"process\":\"health\",\"serviceID\":\"app-1\",\"serviceName\":\"app\"," J2 "}\n"},
    {"json: v3 has fractions, pid is a number", v3_json, LogLevel::info, "hello", job,
     "{\"job\":\"web\",\"level\":\"info\",\"msg\":\"hello\",\"pid\":123," J3 "}\n"},
    {"json: empty message and value", v2_json, LogLevel::warn, "", {{"coprocess", "", false}},
     "{\"coprocess\":\"\",\"level\":\"warning\",\"msg\":\"\"," J2 "}\n"},
    {"json: escapes", v2_json, LogLevel::info, "<a href=\"x\">&\\ \n\r\t\b\f\x01\x1f\x7f/", {},
     "{\"level\":\"info\",\"msg\":\"\\u003ca href=\\\"x\\\"\\u003e\\u0026\\\\ \\n\\r\\t\\u0008\\u000c\\u0001\\u001f\x7f/\"," J2 "}\n"},
    {"json: NUL", v2_json, LogLevel::info, "a\0b"s, {}, "{\"level\":\"info\",\"msg\":\"a\\u0000b\"," J2 "}\n"},
    {"json: UTF-8 stays", v2_json, LogLevel::info, "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", {},
     "{\"level\":\"info\",\"msg\":\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"," J2 "}\n"},
    {"json: line separators", v2_json, LogLevel::info, "\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa", {},
     "{\"level\":\"info\",\"msg\":\"\\u2028\\u2029\xe2\x80\xaa\"," J2 "}\n"},
    {"json: a byte that is no UTF-8", v2_json, LogLevel::info, "a\xff\x80z", {},
     "{\"level\":\"info\",\"msg\":\"a\\ufffd\\ufffdz\"," J2 "}\n"},
    {"json: cut sequences", v2_json, LogLevel::info, "\xe2\x82", {},
     "{\"level\":\"info\",\"msg\":\"\\ufffd\\ufffd\"," J2 "}\n"},
    {"json: overlong", v2_json, LogLevel::info, "\xc0\x80\xe0\x80\x80", {},
     "{\"level\":\"info\",\"msg\":\"\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd\"," J2 "}\n"},
    {"json: surrogate, beyond the last code point", v2_json, LogLevel::info, "\xed\xa0\x80\xf4\x90\x80\x80", {},
     "{\"level\":\"info\",\"msg\":\"\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd\"," J2 "}\n"},
    {"json: fields of a line's own names", v2_json, LogLevel::info, "x",
     {{"time", "t", false}, {"msg", "m", false}, {"level", "l", false}, {"g", "1", false}},
     "{\"fields.level\":\"l\",\"fields.msg\":\"m\",\"fields.time\":\"t\",\"g\":\"1\",\"level\":\"info\",\"msg\":\"x\"," J2 "}\n"},
    {"json: keys are escaped, too", v2_json, LogLevel::info, "x", {{"a\"<", "1", false}},
     "{\"a\\\"\\u003c\":\"1\",\"level\":\"info\",\"msg\":\"x\"," J2 "}\n"},
};

void test_cases() {
  for (const Case& one : cases) {
    std::string got = line_at(one.style, one.level, one.message, one.fields, moment_ns);
    if (!CHECK_BYTES(got.data(), got.size(), one.want.data(), one.want.size())) fprintf(stderr, "  case: %s\n", one.name);
  }
}

void set_zone(const char* zone) {
  setenv("TZ", zone, 1);
  tzset();
}

void check_time(const LogStyle& style, int64_t wall_ns, const std::string& want) {
  std::string got = line_at(style, LogLevel::info, "x", {}, wall_ns);
  CHECK_BYTES(got.data(), got.size(), want.data(), want.size());
}

void test_times() {
  constexpr int64_t second = 1000000000;
  set_zone("UTC0");
  check_time(v3_plain, INT64_C(1503371045) * second, "2017-08-22T03:04:05Z x\n");
  check_time(v3_plain, INT64_C(1503371045) * second + 1, "2017-08-22T03:04:05.000000001Z x\n");
  check_time(v3_plain, INT64_C(1503371045) * second + 100000000, "2017-08-22T03:04:05.1Z x\n");
  check_time(v3_text, INT64_C(1503371045) * second + 100000000, "time=\"2017-08-22T03:04:05Z\" level=info msg=x \n");
  check_time(v2_plain, 0, "1970/01/01 00:00:00 x\n");
  check_time(v2_plain, INT64_C(951782399) * second, "2000/02/28 23:59:59 x\n");
  check_time(v2_plain, INT64_C(951782400) * second, "2000/02/29 00:00:00 x\n");
  check_time(v2_plain, INT64_C(4107542400) * second, "2100/03/01 00:00:00 x\n");
  set_zone("XXX3:30");
  check_time(v3_text, INT64_C(1503371045) * second, "time=\"2017-08-21T23:34:05-03:30\" level=info msg=x \n");
  set_zone("NPT-5:45");
  check_time(v2_plain, INT64_C(1503371045) * second, "2017/08/22 08:49:05 x\n");
}

/** Our calendar against the C library's, over 130 years. */
void test_calendar() {
  set_zone("CET-1CEST,M3.5.0,M10.5.0/3");
  LocalOffset offset;
  bool same = true;
  for (int64_t at = 0; at < INT64_C(4102444800) && same; at += 86400 / 2 + 1801) {
    time_t seconds = at;
    struct tm local = {};
    localtime_r(&seconds, &local);
    char want[64];
    strftime(want, sizeof want, "%Y/%m/%d %H:%M:%S \n", &local);
    char got[512];
    LogEntry entry = {LogLevel::info, at * 1000000000, 0, {nullptr, 0}, nullptr, 0};
    size_t size = log_line(got, v2_plain, entry, offset);
    same = std::string(got, size) == want;
    if (!same) fprintf(stderr, "  at %lld: %.*s", static_cast<long long>(at), static_cast<int>(size), got);
  }
  CHECK(same);
}

/** The change to summer time in the middle of a sequence that remembers its offset. */
void test_offset_changes() {
  LocalOffset offset;
  CHECK(offset.at(1490489999) == 3600);
  CHECK(offset.at(1490490000) == 7200);
  CHECK(offset.at(1490489999) == 3600);
}

/** Whatever the bytes are, JSON is ASCII or valid UTF-8 without control bytes, and no longer than promised. */
void test_json_of_all_bytes() {
  uint32_t seed = 1;
  bool valid = true;
  for (int round = 0; round < 2000 && valid; round++) {
    std::string message;
    for (int i = 0; i < 64; i++) {
      seed = seed * 1664525 + 1013904223;
      message.push_back(static_cast<char>(round < 4 ? round * 64 + i : seed >> 24));
    }
    std::string line = line_at(v3_json, LogLevel::info, message, {{"key", message, false}}, moment_ns);
    line.pop_back();
    for (char c : line) valid = valid && static_cast<unsigned char>(c) >= 0x20;
    valid = valid && mbstowcs(nullptr, line.c_str(), 0) != static_cast<size_t>(-1);
  }
  CHECK(valid);
}

void test_utf8_prefix() {
  auto prefix = [](const char* text) { return utf8_prefix(text, strlen(text)); };
  CHECK(prefix("abc") == 3);
  CHECK(prefix("ab\xc3") == 2);
  CHECK(prefix("ab\xc3\xa4") == 4);
  CHECK(prefix("ab\xe2\x82") == 2);
  CHECK(prefix("ab\xf0\x9f\x98") == 2);
  CHECK(prefix("ab\xf0\x9f\x98\x80") == 6);
  CHECK(prefix("\x80\x80\x80\x80\x80") == 5);
  CHECK(prefix("\xc3") == 1);
}

}  // namespace

int main() {
  // For mbstowcs, which judges UTF-8.
  if (!CHECK(setlocale(LC_CTYPE, "C.UTF-8") != nullptr)) return check_end("logformat");
  set_zone("CET-1CEST,M3.5.0,M10.5.0/3");
  test_cases();
  test_json_of_all_bytes();
  test_utf8_prefix();
  test_offset_changes();
  test_times();
  test_calendar();
  return check_end("logformat");
}
