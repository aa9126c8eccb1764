// Performance shapes of the kernel families. A file of apps/bench/families registers what its family is timed on:
//
//   Cost cost(const SoftmaxFwd& a) { return {5.0 * a.rows * a.width, f32_bytes(2 * a.rows * a.width)}; }
//   auto make(int64_t rows, int64_t width) {
//     return [=](Arrays& arrays) { return SoftmaxFwd{arrays.normal(rows * width), arrays.out(rows * width), rows, width, DType::f32}; };
//   }
//   const BenchRegistration softmax(softmax_fwd, cost, {{"4096x1024", make(4096, 1024)}});
//
// Every row of the family is then checked and timed on every shape. A family without a registration fails the tests.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "apps/bench/arrays.h"
#include "apps/bench/prepared.h"
#include "kernels/table.h"

namespace kintsugi::bench {

/// What a problem costs at least: FLOPs of its plain form (a multiply and an add are two; an elementary function as many as the family's
/// file says), and bytes when every input is read once and every output written once. From them comes the floor.
struct Cost {
  double flops = 0, bytes = 0;
};
constexpr double f32_bytes(double count) { return 4 * count; }

template <class Args>
struct BenchShape {
  using Make = std::function<Args(Arrays&)>;
  std::string name;  // "128->128 3x3 @256"
  Make make;
  Make small;        // the same kind of problem, shrunken: rows are checked on it where `ref` would take too long; or empty
  double tolerance;  // largest difference from `ref`, of its largest element; op cases have the sharp ones

  BenchShape(std::string name, Make make, Make small = Make(), double tolerance = 1e-5)
      : name(std::move(name)), make(std::move(make)), small(std::move(small)), tolerance(tolerance) {}
};

/// A family's shapes and rows without its args type.
struct BenchFamily {
  struct Shape {
    std::string name;
    bool has_small;
    double tolerance;
    std::function<std::shared_ptr<const void>(Arrays&, bool small)> make;
  };
  struct Row {
    std::string name, note;
    DeviceKind where;
    std::function<std::string(const void* args)> refuses;  // "": takes them
    std::function<std::unique_ptr<Prepared>(const Context&, const void* args)> prepare;
  };

  const FamilyInfo* family;
  std::vector<Shape> shapes;
  std::function<Cost(const void* args)> cost;
  std::function<std::string(const void* args)> kind;     // finer than the family, for profiles: "3x3"; or ""
  std::function<std::vector<Row>()> rows;                // the family's own, in its order

  std::string name() const { return family->name(); }
};

/// Every registered family, sorted by name.
std::vector<BenchFamily> bench_families();
/// Null when no shapes were registered.
const BenchFamily* find_bench(const FamilyInfo& family);

void register_bench(BenchFamily family);

struct BenchRegistration {
  template <class Args>
  BenchRegistration(const Family<Args>& family, Cost (*cost)(const Args&), std::vector<BenchShape<Args>> shapes,
                    std::string (*kind)(const Args&) = nullptr) {
    const auto of = [](const void* p) -> const Args& { return *static_cast<const Args*>(p); };
    BenchFamily f{&family, {}, [=](const void* a) { return cost(of(a)); }, [=](const void* a) { return kind ? kind(of(a)) : std::string(); }, {}};
    for (auto& s : shapes)
      f.shapes.push_back({s.name, bool(s.small), s.tolerance, [s](Arrays& arrays, bool small) {
                            return std::make_shared<const Args>(small ? s.small(arrays) : s.make(arrays));
                          }});
    // The table is read when asked for: it may not exist yet while statics are made.
    f.rows = [&family, of] {
      std::vector<BenchFamily::Row> rows;
      for (const auto& r : family.rows())
        rows.push_back({r.name, r.note, r.where, [&r, of](const void* a) {
                          const char* why = r.refuses(of(a));
                          return std::string(why ? why : "");
                        },
                        [&r, of](const Context& c, const void* a) { return prepared([&r, c, &args = of(a)] { r.run(c, args); }); }});
      return rows;
    };
    register_bench(std::move(f));
  }
};

}  // namespace kintsugi::bench
