#include "optim/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "kernels/base/error.h"

namespace kintsugi {
namespace {

double half_cosine(int64_t position, int64_t period) {
  return 0.5 * (1 + std::cos(std::numbers::pi * double(position) / double(period)));
}

}  // namespace

Schedule constant_rate(double lr) {
  return [lr](int64_t) { return lr; };
}

Schedule multistep(double lr, std::vector<int64_t> milestones, double gamma) {
  return [=, milestones = std::move(milestones)](int64_t position) {
    return lr * std::pow(gamma, double(std::count_if(milestones.begin(), milestones.end(), [=](int64_t m) { return m <= position; })));
  };
}

Schedule multistep_restart(double lr, std::vector<int64_t> milestones, double gamma, std::vector<int64_t> restarts,
                           std::vector<double> weights) {
  KIN_CHECK(!restarts.empty() && restarts[0] == 0 && std::is_sorted(restarts.begin(), restarts.end()),
            "multistep_restart: restarts must ascend from 0, got ", restarts.size(), " starting at ", restarts.empty() ? -1 : restarts[0]);
  KIN_CHECK(weights.size() == restarts.size(), "multistep_restart: weights must be as many as restarts, ", restarts.size(), ", got ",
            weights.size());
  return [=, milestones = std::move(milestones), restarts = std::move(restarts), weights = std::move(weights)](int64_t position) {
    const auto latest = size_t(std::upper_bound(restarts.begin(), restarts.end(), std::max<int64_t>(0, position)) - restarts.begin()) - 1;
    const auto passed = std::count_if(milestones.begin(), milestones.end(),
                                      [&](int64_t m) { return m > restarts[latest] && m <= position; });
    return lr * weights[latest] * std::pow(gamma, double(passed));
  };
}

Schedule cosine(double lr, int64_t period, double eta_min) {
  KIN_CHECK(period > 0, "cosine: period must be positive, got ", period);
  return [=](int64_t position) { return eta_min + (lr - eta_min) * half_cosine(position, period); };
}

Schedule cosine_restart(double lr, std::vector<int64_t> periods, std::vector<double> weights, double eta_min) {
  KIN_CHECK(!periods.empty(), "cosine_restart: periods must name at least one, got none");
  for (const int64_t period : periods) KIN_CHECK(period > 0, "cosine_restart: periods must be positive, got ", period);
  KIN_CHECK(weights.size() == periods.size(), "cosine_restart: weights must be as many as periods (", periods.size(), "), got ",
            weights.size());
  return [=, periods = std::move(periods), weights = std::move(weights)](int64_t position) {
    int64_t begin = 0;
    for (size_t i = 0; i < periods.size(); begin += periods[i++])
      if (position <= begin + periods[i]) return eta_min + weights[i] * (lr - eta_min) * half_cosine(position - begin, periods[i]);
    return eta_min;
  };
}

Schedule warm_up(Schedule schedule, int64_t iterations) {
  return [=, schedule = std::move(schedule)](int64_t position) {
    return position + 1 < iterations ? schedule(0) * double(position + 1) / double(iterations) : schedule(position);
  };
}

}  // namespace kintsugi
