#include <cstdio>

int main() { std::puts("kintsugi"); }
