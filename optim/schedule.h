// Learning rates as functions of the position: 0 in the first iteration, n-1 in iteration n. Plain functions without state, so a
// resumed run needs nothing but its iteration number.
#pragma once
#include <cstdint>
#include <functional>
#include <vector>

namespace kintsugi {

using Schedule = std::function<double(int64_t position)>;

Schedule constant_rate(double lr);

/// torch MultiStepLR: lr * gamma^(milestones <= position). A milestone listed twice counts twice.
Schedule multistep(double lr, std::vector<int64_t> milestones, double gamma);

/// BasicSR MultiStepRestartLR: at restarts[i] the rate becomes lr * weights[i]; each milestone after the latest restart, up to the
/// position, multiplies it by gamma. A milestone on a restart does nothing.
/// Throws Error unless restarts start at 0, ascend, and have one weight each.
Schedule multistep_restart(double lr, std::vector<int64_t> milestones, double gamma, std::vector<int64_t> restarts = {0},
                           std::vector<double> weights = {1});

/// torch CosineAnnealingLR: eta_min + (lr - eta_min) (1 + cos(pi position / period)) / 2. Throws Error unless
/// period is positive.
Schedule cosine(double lr, int64_t period, double eta_min = 0);

/// BasicSR CosineAnnealingRestartLR: period after period, eta_min + weights[i] (lr - eta_min) (1 + cos(pi t / periods[i])) / 2 with t
/// counted from the end of the period before. That end itself still belongs to the period it closes. Behind the last
/// period the rate stays at eta_min, where the original stops with an error.
/// Throws Error unless periods are positive and have one weight each.
Schedule cosine_restart(double lr, std::vector<int64_t> periods, std::vector<double> weights, double eta_min = 0);

/// Linear warm-up: schedule(0) * n / iterations in iteration n = position + 1 < iterations, and `schedule` itself from then on.
/// iterations <= 0 means none.
Schedule warm_up(Schedule schedule, int64_t iterations);

}  // namespace kintsugi
