// Times as log lines show them.
#pragma once
#include "logwriter.h"

namespace pilot {

struct Moment {
  int64_t year;
  unsigned month, day, hour, minute, second, nanosecond;
  int32_t offset_s;
};

/** Local civil time. */
Moment moment_of(int64_t wall_ns, LocalOffset& offset);

/** `2017/08/22 05:04:05` with the separators given. */
void put_date_time(Writer& out, const Moment& moment, char between_date, char between_both);

/** Go's RFC3339, or RFC3339Nano, whose fraction has no trailing zeros and is left out when it is 0. */
void put_rfc3339(Writer& out, const Moment& moment, bool fraction);

}  // namespace pilot
