// The pump's pieces that work on memory only: splitting, tails, fields, the ring of our own lines.
#include <stdlib.h>

#include <algorithm>
#include <string>
#include <vector>

#include "../loglines.h"
#include "../logown.h"
#include "check.h"

using namespace pilot;
using namespace std::string_literals;

namespace {

struct Part {
  std::string text;
  uint32_t part;
  bool operator==(const Part& other) const { return text == other.text && part == other.part; }
};

/** All lines of `input`, given to the stream in pieces of at most `piece` bytes, as reads would. */
std::vector<Part> split(const std::string& input, size_t piece) {
  LogStream stream = {LogStreamKind::log, 0, 0, 0, 0, 0};
  // On the heap, so that the sanitizer guards its ends.
  char* buffer = static_cast<char*>(malloc(log_stream_bytes));
  std::vector<Part> lines;
  LogLine line;
  for (size_t at = 0; at < input.size();) {
    size_t size = std::min(piece, input.size() - at);
    if (log_stream_bytes - stream.end < log_item_bytes && !CHECK(!"room for a read")) break;
    memcpy(buffer + stream.end, input.data() + at, size);
    stream.end += static_cast<uint32_t>(size);
    at += size;
    while (log_take_line(&stream, buffer, false, &line)) lines.push_back({{line.text.data, line.text.size}, line.part});
    log_make_room(&stream, buffer);
  }
  while (log_take_line(&stream, buffer, true, &line)) lines.push_back({{line.text.data, line.text.size}, line.part});
  free(buffer);
  return lines;
}

void check_split(const std::string& input, const std::vector<Part>& want) {
  for (size_t piece : {size_t{1}, size_t{7}, size_t{log_item_bytes}}) {
    if (piece == 1 && input.size() > 300000) continue;
    std::vector<Part> got = split(input, piece);
    if (CHECK(got == want)) continue;
    fprintf(stderr, "  %zu bytes in pieces of %zu: %zu lines, want %zu\n", input.size(), piece, got.size(), want.size());
    for (const Part& one : got) fprintf(stderr, "    part %u of %zu bytes\n", one.part, one.text.size());
  }
}

void test_short_lines() {
  check_split("", {});
  check_split("a", {{"a", 0}});
  check_split("a\n", {{"a", 0}});
  check_split("a\nb", {{"a", 0}, {"b", 0}});
  check_split("\n\n", {{"", 0}, {"", 0}});
  check_split("a\r\n\r\n", {{"a", 0}, {"", 0}});
  check_split("a\r\r\nb\rc\n", {{"a\r", 0}, {"b\rc", 0}});
  check_split("last\r", {{"last", 0}});
  check_split("\r", {{"", 0}});
  check_split("a\0b\n\xff\n"s, {{"a\0b"s, 0}, {"\xff", 0}});
}

void test_long_lines() {
  constexpr size_t most = log_line_bytes_max;
  auto x = [](size_t count) { return std::string(count, 'x'); };
  for (const char* end : {"\n", "\r\n", ""}) {
    check_split(x(most - 1) + end, {{x(most - 1), 0}});
    check_split(x(most) + end, {{x(most), 0}});
    check_split(x(most + 1) + end, {{x(most), 1}, {"x", 2}});
    check_split(x(most + 2) + end, {{x(most), 1}, {"xx", 2}});
    check_split(x(2 * most) + end, {{x(most), 1}, {x(most), 2}});
    check_split(x(2 * most + 1) + end, {{x(most), 1}, {x(most), 2}, {"x", 3}});
  }
  check_split(x(most + 1) + "\nshort\n" + x(most + 1), {{x(most), 1}, {"x", 2}, {"short", 0}, {x(most), 1}, {"x", 2}});
  // A euro sign (three bytes) across the boundary goes to the next part.
  check_split(x(most - 1) + "\xe2\x82\xac" + "y\n", {{x(most - 1), 1}, {"\xe2\x82\xacy", 2}});
  check_split(x(most - 2) + "\xe2\x82\xac" + "\n", {{x(most - 2), 1}, {"\xe2\x82\xac", 2}});
  check_split(x(most - 3) + "\xe2\x82\xac" + "\n", {{x(most - 3) + "\xe2\x82\xac", 0}});
}

/** Random lines in random pieces, put together again. */
void test_random_pieces() {
  srand(7);
  for (int round = 0; round < 60; round++) {
    std::string input;
    std::vector<Part> want;
    for (int i = rand() % 20; i >= 0; i--) {
      std::string line(static_cast<size_t>(rand() % 6 == 0 ? rand() % log_line_bytes_max : rand() % 200), 'a');
      want.push_back({line, 0});
      input += line + "\n";
    }
    CHECK(split(input, 1 + static_cast<size_t>(rand()) % log_item_bytes) == want);
  }
}

std::string tail_of(const std::vector<std::string>& lines) {
  LogTail tail = {};
  for (const std::string& line : lines) log_tail_add(&tail, {line.data(), line.size()});
  char* out = static_cast<char*>(malloc(log_tail_bytes));
  std::string text(out, log_tail_text(&tail, out));
  free(out);
  return text;
}

void test_tail() {
  CHECK(tail_of({}) == "");
  CHECK(tail_of({"a"}) == "a");
  CHECK(tail_of({"a", "", "b"}) == "a\n\nb");
  std::string half(log_tail_bytes / 2 - 1, 'h');
  CHECK(tail_of({half, half}) == half + "\n" + half);
  CHECK(tail_of({half, half, "x"}) == half + "\nx");
  CHECK(tail_of({"first", std::string(log_tail_bytes - 1, 'f')}) == std::string(log_tail_bytes - 1, 'f'));
  CHECK(tail_of({"first", "y" + std::string(5000, 'l')}) == std::string(log_tail_bytes - 1, 'l'));
  std::vector<std::string> many;
  for (int i = 0; i < 1000; i++) many.push_back("line " + std::to_string(i));
  std::string tail = tail_of(many);
  CHECK(tail.size() < log_tail_bytes && tail.size() > log_tail_bytes - 20);
  CHECK(tail.compare(0, 5, "line ") == 0 && tail.substr(tail.size() - 8) == "line 999");
}

std::vector<LogField> as_fields(const std::vector<std::pair<std::string, std::string>>& pairs) {
  std::vector<LogField> fields;
  for (const auto& pair : pairs) {
    fields.push_back({{pair.first.data(), pair.first.size()}, {pair.second.data(), pair.second.size()}, false});
  }
  return fields;
}

std::vector<std::pair<std::string, std::string>> packed_and_back(const std::vector<std::pair<std::string, std::string>>& pairs) {
  std::vector<LogField> fields = as_fields(pairs);
  char* packed = static_cast<char*>(malloc(log_field_bytes_max));
  uint32_t size = log_pack_fields(fields.data(), fields.size(), packed);
  LogField out[log_given_fields_max];
  size_t count = log_unpack_fields(packed, size, out);
  std::vector<std::pair<std::string, std::string>> result;
  for (size_t i = 0; i < count; i++) {
    result.push_back({{out[i].key.data, out[i].key.size}, {out[i].value.data, out[i].value.size}});
  }
  free(packed);
  return result;
}

void test_fields() {
  CHECK(packed_and_back({}).empty());
  CHECK((packed_and_back({{"a", "1"}, {"b", ""}}) == std::vector<std::pair<std::string, std::string>>{{"a", "1"}, {"b", ""}}));
  auto cut = packed_and_back({{"a", std::string(3000, 'v')}, {"b", "lost"}});
  CHECK(cut.size() == 1 && cut[0].second.size() > 2000 && cut[0].second.size() < log_field_bytes_max);
  CHECK(packed_and_back({{std::string(3000, 'k'), "v"}}).empty());
  std::vector<std::pair<std::string, std::string>> many(20, {"k", "v"});
  CHECK(packed_and_back(many).size() == log_given_fields_max);
}

LogOwnLine own_line(const std::string& message, const std::string& fields = "") {
  return {LogLevel::info, {}, 0, 0, {message.data(), message.size()}, 0, {fields.data(), fields.size()}, 0};
}

/** Lines of all sizes through the ring many times round, with as many in it as go. */
void test_own_ring() {
  LogOwnRing* ring = static_cast<LogOwnRing*>(calloc(1, sizeof(LogOwnRing)));
  srand(3);
  std::vector<std::string> sent;
  size_t received = 0;
  uint32_t dropped = 0, told = 0;
  bool same = true;
  for (int i = 0; i < 20000; i++) {
    size_t size = rand() % 50 == 0 ? static_cast<size_t>(rand()) % (log_line_bytes_max + 1) : static_cast<size_t>(rand()) % 300;
    std::string message(size, static_cast<char>('a' + i % 26));
    if (log_own_push(ring, own_line(message, "f" + std::to_string(i)))) {
      sent.push_back(message);
    } else {
      dropped++;
    }
    LogOwnLine line;
    while (rand() % 3 == 0 && log_own_peek(ring, &line)) {
      same = same && std::string(line.message.data, line.message.size) == sent[received] && line.fields.data[0] == 'f';
      told += line.dropped;
      received++;
      log_own_pop(ring);
    }
  }
  LogOwnLine line;
  while (log_own_peek(ring, &line)) {
    same = same && std::string(line.message.data, line.message.size) == sent[received++];
    told += line.dropped;
    log_own_pop(ring);
  }
  CHECK(same);
  CHECK(received == sent.size());
  CHECK(dropped > 0);
  CHECK(told + ring->dropped.load() == dropped);
  // The longest line there is, wherever the ring stands.
  bool fits = true;
  for (int i = 0; i < 50; i++) {
    fits = fits && log_own_push(ring, own_line(std::string(log_line_bytes_max, 'x'), std::string(log_field_bytes_max, 'f')));
    fits = fits && log_own_peek(ring, &line) && line.message.size == log_line_bytes_max;
    log_own_pop(ring);
    fits = fits && log_own_push(ring, own_line(std::string(static_cast<size_t>(i) * 977, 'y'))) && log_own_peek(ring, &line);
    log_own_pop(ring);
  }
  CHECK(fits);
  free(ring);
}

}  // namespace

int main() {
  test_short_lines();
  test_long_lines();
  test_random_pieces();
  test_tail();
  test_fields();
  test_own_ring();
  return check_end("logpump_lines");
}
