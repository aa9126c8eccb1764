# with_clang.sh COMPILER ARGUMENT...: a compiler launcher that starts clang++ in the compiler's place.
shift
exec clang++ "$@"
