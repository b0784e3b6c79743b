#include "logtime.h"

#include <time.h>

namespace pilot {

// gmtime_r and localtime_r take a lock of the C library, which a dead thread may hold.
Moment moment_of(int64_t wall_ns, LocalOffset& offset) {
  int64_t epoch_s = wall_ns / 1000000000;
  Moment moment = {};
  moment.nanosecond = static_cast<unsigned>(wall_ns % 1000000000);
  moment.offset_s = offset.at(epoch_s);
  int64_t local = epoch_s + moment.offset_s;
  int64_t days = local / 86400;
  unsigned in_day = static_cast<unsigned>(local % 86400);
  moment.hour = in_day / 3600;
  moment.minute = in_day / 60 % 60;
  moment.second = in_day % 60;
  // Gregorian calendar in cycles of 400 years; a year starts in March, so the leap day is its last.
  int64_t from_march_0 = days + 719468;
  int64_t cycle = from_march_0 / 146097;
  unsigned in_cycle = static_cast<unsigned>(from_march_0 % 146097);
  unsigned year = (in_cycle - in_cycle / 1460 + in_cycle / 36524 - in_cycle / 146096) / 365;
  unsigned in_year = in_cycle - (365 * year + year / 4 - year / 100);
  unsigned from_march = (5 * in_year + 2) / 153;
  moment.day = in_year - (153 * from_march + 2) / 5 + 1;
  moment.month = from_march < 10 ? from_march + 3 : from_march - 9;
  moment.year = cycle * 400 + year + (moment.month <= 2 ? 1 : 0);
  return moment;
}

void put_date_time(Writer& out, const Moment& moment, char between_date, char between_both) {
  out.decimal(static_cast<uint64_t>(moment.year), 4);
  out.byte(between_date);
  out.decimal(moment.month, 2);
  out.byte(between_date);
  out.decimal(moment.day, 2);
  out.byte(between_both);
  out.decimal(moment.hour, 2);
  out.byte(':');
  out.decimal(moment.minute, 2);
  out.byte(':');
  out.decimal(moment.second, 2);
}

void put_rfc3339(Writer& out, const Moment& moment, bool fraction) {
  put_date_time(out, moment, '-', 'T');
  if (fraction && moment.nanosecond != 0) {
    unsigned value = moment.nanosecond;
    int width = 9;
    for (; value % 10 == 0; width--) value /= 10;
    out.byte('.');
    out.decimal(value, width);
  }
  if (moment.offset_s == 0) {
    out.byte('Z');
    return;
  }
  unsigned minutes = static_cast<unsigned>(moment.offset_s < 0 ? -moment.offset_s : moment.offset_s) / 60;
  out.byte(moment.offset_s < 0 ? '-' : '+');
  out.decimal(minutes / 60, 2);
  out.byte(':');
  out.decimal(minutes % 60, 2);
}

int32_t LocalOffset::at(int64_t epoch_s) {
  // No zone of today changes its offset but at a full quarter of an hour of UTC: one call every 15 minutes will do.
  int64_t quarter = epoch_s / 900;
  if (quarter != quarter_) {
    time_t seconds = epoch_s;
    struct tm local = {};
    if (localtime_r(&seconds, &local) != nullptr) offset_s_ = static_cast<int32_t>(local.tm_gmtoff);
    quarter_ = quarter;
  }
  return offset_s_;
}

}  // namespace pilot
