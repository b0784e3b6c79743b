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

bool json_plain(unsigned char c) {
  return c >= 0x20 && c < 0x80 && c != '"' && c != '\\' && c != '<' && c != '>' && c != '&';
}

/** The inside of a JSON string; whatever the bytes are, the result is ASCII or valid UTF-8. */
void put_json_text(Writer& out, Bytes text) {
  const unsigned char* data = reinterpret_cast<const unsigned char*>(text.data);
  size_t at = 0;
  while (at < text.size) {
    size_t run = at;
    while (run < text.size && json_plain(data[run])) run++;
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

}  // namespace

void put_json(Writer& out, const LogEntry& entry, Bytes time) {
  struct Pair {
    /** What the key is sorted by: `fields.msg` comes before `g`. */
    Bytes order;
    bool clashes;
    Bytes key, value;
    bool number;
  };
  Pair pairs[log_fields_max + 3];
  size_t count = 0;
  auto insert = [&](const Pair& pair) {
    size_t at = count++;
    for (; at > 0 && before(pair.order, pairs[at - 1].order); at--) pairs[at] = pairs[at - 1];
    pairs[at] = pair;
  };
  insert({{"level", 5}, false, {"level", 5}, log_level_name(entry.level), false});
  insert({{"msg", 3}, false, {"msg", 3}, entry.message, false});
  insert({{"time", 4}, false, {"time", 4}, time, false});
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
    insert(pair);
  }
  for (size_t i = 0; i < count; i++) {
    out.byte(i == 0 ? '{' : ',');
    put_json_string(out, pairs[i].clashes, pairs[i].key);
    out.byte(':');
    if (pairs[i].number) {
      out.bytes(pairs[i].value);
    } else {
      put_json_string(out, false, pairs[i].value);
    }
  }
  out.byte('}');
}

}  // namespace pilot
