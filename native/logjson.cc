// Lines as Go's encoding/json writes them, with the keys of logrus 1.0.
#include "logwriter.h"

namespace pilot {
namespace {

void put_json_escape(Writer& out, unsigned char c) {
  constexpr char hex[] = "0123456789abcdef";
  switch (c) {
    case '"': return out.literal("\\\"");
    case '\\': return out.literal("\\\\");
    case '\n': return out.literal("\\n");
    case '\r': return out.literal("\\r");
    case '\t': return out.literal("\\t");
    default:
      out.literal("\\u00");
      out.byte(hex[c >> 4]);
      out.byte(hex[c & 15]);
  }
}

/** Bytes that stand for themselves in a JSON string. Go also escapes what means something to HTML. */
struct PlainBytes {
  bool is[256];
  constexpr PlainBytes() : is() {
    for (int c = 0x20; c < 0x80; c++) is[c] = c != '"' && c != '\\' && c != '<' && c != '>' && c != '&';
  }
};
constexpr PlainBytes plain;

/** The inside of a JSON string; whatever the bytes are, the result is ASCII or valid UTF-8. */
void put_json_text(Writer& out, Bytes text) {
  const unsigned char* data = reinterpret_cast<const unsigned char*>(text.data);
  size_t at = 0;
  while (at < text.size) {
    size_t run = at;
    while (run < text.size && plain.is[data[run]]) run++;
    out.bytes({text.data + at, run - at});
    at = run;
    if (at == text.size) return;
    if (data[at] < 0x80) {
      put_json_escape(out, data[at++]);
      continue;
    }
    size_t size = utf8_size(data + at, text.size - at);
    if (size == 0) {
      out.literal("\\ufffd");
      at++;
      continue;
    }
    // U+2028 and U+2029 end a line in JavaScript.
    if (size == 3 && data[at] == 0xe2 && data[at + 1] == 0x80 && (data[at + 2] & 0xfe) == 0xa8) {
      out.literal("\\u202");
      out.byte(data[at + 2] == 0xa8 ? '8' : '9');
    } else {
      out.bytes({text.data + at, size});
    }
    at += size;
  }
}

/** Prefix of a field whose name is one of the line's own. */
constexpr char clash_prefix[] = "fields.";

void put_json_string(Writer& out, bool clashes, Bytes text) {
  out.byte('"');
  if (clashes) out.literal(clash_prefix);
  put_json_text(out, text);
  out.byte('"');
}

struct Pair {
  /** What the key is sorted by: `fields.msg` comes before `g`. */
  Bytes order;
  bool clashes;
  Bytes key, value;
  bool number;
};

/** The line's pairs in order, without the message; those before `message` stand before it. */
struct Pairs {
  Pair sorted[log_fields_max + 2];
  size_t count, message;

  void insert(const Pair& pair) {
    size_t at = count++;
    for (; at > 0 && before(pair.order, sorted[at - 1].order); at--) sorted[at] = sorted[at - 1];
    sorted[at] = pair;
  }
};

void sort_pairs(const LogEntry& entry, Bytes time, Pairs* pairs) {
  pairs->count = pairs->message = 0;
  pairs->insert({{"level", 5}, false, {"level", 5}, log_level_name(entry.level), false});
  pairs->insert({{"time", 4}, false, {"time", 4}, time, false});
  static constexpr struct {
    const char* name;
    Bytes order;
  } clashes[] = {{"level", {"fields.level", 12}}, {"msg", {"fields.msg", 10}}, {"time", {"fields.time", 11}}};
  for (size_t i = 0; i < entry.field_count && i < log_fields_max; i++) {
    const LogField& field = entry.fields[i];
    Pair pair = {field.key, false, field.key, field.value, field.number};
    for (const auto& clash : clashes) {
      if (!is(field.key, clash.name)) continue;
      pair.order = clash.order;
      pair.clashes = true;
    }
    pairs->insert(pair);
  }
  while (pairs->message < pairs->count && before(pairs->sorted[pairs->message].order, {"msg", 3})) pairs->message++;
}

void put_pair(Writer& out, const Pair& pair) {
  put_json_string(out, pair.clashes, pair.key);
  out.byte(':');
  if (pair.number) {
    out.bytes(pair.value);
  } else {
    put_json_string(out, false, pair.value);
  }
}

}  // namespace

void put_json_head(Writer& out, const LogEntry& entry) {
  Pairs pairs;
  // `time` comes behind the message, so it is not needed here.
  sort_pairs(entry, {"", 0}, &pairs);
  out.byte('{');
  for (size_t i = 0; i < pairs.message; i++) {
    put_pair(out, pairs.sorted[i]);
    out.byte(',');
  }
}

void put_json_message(Writer& out, Bytes message) {
  out.literal("\"msg\":\"");
  put_json_text(out, message);
  out.byte('"');
}

void put_json_tail(Writer& out, const LogEntry& entry, Bytes time) {
  Pairs pairs;
  sort_pairs(entry, time, &pairs);
  for (size_t i = pairs.message; i < pairs.count; i++) {
    out.byte(',');
    put_pair(out, pairs.sorted[i]);
  }
  out.byte('}');
}

}  // namespace pilot
