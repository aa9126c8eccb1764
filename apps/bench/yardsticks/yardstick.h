// Rows of other libraries, to be measured beside our own. They live in a module of their own (libkintsugi_yardsticks.so), which only
// `kintsugi bench` opens: the program and the libraries below it never link, load or need them.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "apps/bench/prepared.h"

namespace kintsugi::bench {

struct YardstickRow {
  std::string family, name, note;
  std::string (*refuses)(const void* args);  // "" = can run them
  std::unique_ptr<Prepared> (*prepare)(const void* args, int threads);
};

struct Yardstick {
  std::string library;                 // "onednn"
  std::string version;                 // as the library itself says
  std::string absent;                  // why there are no rows, or ""
  std::vector<YardstickRow> rows = {};
};

/// A row from functions that know the family's args.
template <class Args, std::string (*refuses)(const Args&), std::unique_ptr<Prepared> (*prepare)(const Args&, int)>
YardstickRow yardstick_row(std::string family, std::string name, std::string note) {
  return {std::move(family), std::move(name), std::move(note), [](const void* a) { return refuses(*static_cast<const Args*>(a)); },
          [](const void* a, int threads) { return prepare(*static_cast<const Args*>(a), threads); }};
}

/// Opens the module beside the program, once. Libraries that were not found when this was built are listed with the reason.
const std::vector<Yardstick>& yardsticks();

}  // namespace kintsugi::bench

/// What the module exports: appends one Yardstick per library.
extern "C" void kintsugi_yardsticks(std::vector<kintsugi::bench::Yardstick>& list);
