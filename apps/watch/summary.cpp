// Summary, Value, Image and HistogramProto of TensorBoard's summary.proto; the numbers are its fields'.
#include <algorithm>
#include <cmath>

#include "apps/watch/event_file.h"
#include "data/bytes.h"
#include "data/codec.h"

namespace kintsugi {
namespace {
constexpr int kBuckets = 30;
}

void Summary::value(const std::string& tag, int field, std::string_view content) {
  message_.bytes(1, wire::Message().bytes(1, tag).bytes(field, content).encoded());
}

void Summary::scalar(const std::string& tag, double value) {
  message_.bytes(1, wire::Message().bytes(1, tag).real32(2, float(value)).encoded());
}

void Summary::histogram(const std::string& tag, std::span<const double> values) {
  std::vector<double> finite;
  std::copy_if(values.begin(), values.end(), std::back_inserter(finite), [](double v) { return std::isfinite(v); });
  if (finite.empty()) return;
  const auto [low, high] = std::minmax_element(finite.begin(), finite.end());
  const double least = *low, most = *high, width = (most - least) / kBuckets;
  const int buckets = width > 0 ? kBuckets : 1;
  std::vector<double> limits(size_t(buckets), most), counts(size_t(buckets), 0.0);
  for (int i = 0; i + 1 < buckets; ++i) limits[size_t(i)] = least + width * (i + 1);
  double sum = 0, squares = 0;
  for (const double v : finite) {
    sum += v;
    squares += v * v;
    // A value on a limit belongs to the bucket below it: limits are upper ends.
    counts[size_t(std::lower_bound(limits.begin(), limits.end() - 1, v) - limits.begin())] += 1;
  }
  value(tag, 5, wire::Message().real64(1, least).real64(2, most).real64(3, double(finite.size())).real64(4, sum).real64(5, squares)
                    .packed(6, limits).packed(7, counts).encoded());
}

void Summary::image(const std::string& tag, const Image& image) {
  const std::vector<uint8_t> png = encode_png(to_bytes(image));
  value(tag, 4, wire::Message().varint(1, uint64_t(image.h)).varint(2, uint64_t(image.w)).varint(3, uint64_t(image.c))
                    .bytes(4, {reinterpret_cast<const char*>(png.data()), png.size()}).encoded());
}

}  // namespace kintsugi
