#!/bin/bash
# The compiler wrappers as build systems use them: by hand, from a configure script's questions, from CMake's FindMPI
# both ways, and from another prefix. Each result must run natively and be an image. Uses what `make` left in build/.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=$PWD/build/bin top=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

fail() { echo "test-wrappers: $*" >&2; exit 1; }
image() { readelf -n "$1" 2>/dev/null | grep unirank >/dev/null || fail "$1 is no image"; }
gives() { # expected, command...
    local expected=$1 got
    shift
    got=$("$@") || fail "$* ended with status $?"
    [ "$got" = "$expected" ] || fail "$* printed '$got', not '$expected'"
}

cat > one.c <<'E2'
#include <mpi.h>
#include <stdio.h>
int main(int argc, char **argv)
{
    int size;
    MPI_Init(&argc, &argv);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    printf("size %d\n", size);
    return MPI_Finalize();
}
E2
cat > one.cc <<'E2'
#include <mpi.h>
#include <iostream>
#include <stdexcept>
#include <vector>
int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    std::vector<int> v(1);
    try { v.at(2) = 1; } catch (const std::out_of_range &) { std::cout << "caught" << std::endl; }
    return MPI_Finalize();
}
E2
cat > one.f90 <<'E2'
program one
  use mpi
  integer :: size, ierr
  call MPI_Init(ierr)
  call MPI_Comm_size(MPI_COMM_WORLD, size, ierr)
  print '(a,i0)', 'size ', size
  call MPI_Finalize(ierr)
end program
E2
echo 'int main(void) { return 7; }' > plain.c
echo 'int helper(void) { return 1; }' > helper.c

# By hand, in one go and in steps.
"$bin/mpicc" one.c -o one && gives "size 1" ./one && image one
"$bin/mpicc" -c one.c -o one.o && "$bin/mpicc" one.o -o one2 && gives "size 1" ./one2
"$bin/mpicxx" -O1 one.cc -o cxx && gives caught ./cxx && image cxx
"$bin/mpifort" one.f90 -o fortran && gives "size 1" ./fortran && image fortran
# With the user's -lm gfortran names its own library in front of everything of ours.
"$bin/mpifort" one.f90 -lm -o fortran-m && gives "size 1" ./fortran-m
"$bin/mpicc" -fopenmp one.c -o omp && gives "size 1" ./omp
"$bin/mpicc" -static-libgcc one.c -lmpi -lm -o twice && gives "size 1" ./twice
"$bin/mpicc" plain.c -o plain && image plain
status=0; ./plain || status=$?
[ "$status" = 7 ] || fail "a program without MPI gave $status"
[ "$(stat -c %s plain)" -lt "$(stat -c %s one)" ] || fail "a program without MPI carries MPI"
"$bin/mpicc" -shared -fPIC helper.c -o helper.so
if readelf -n helper.so 2>/dev/null | grep unirank >/dev/null; then fail "a shared library has a kernel"; fi

# Questions.
"$bin/mpicc" -show | grep kernel.o >/dev/null || fail "-show without sources"
gives "$(gcc -dumpversion)" "$bin/mpicc" -dumpversion
"$bin/mpicc" -E one.c | grep MPI_Init >/dev/null || fail "-E"
"$bin/mpicc" -M one.c | grep mpi.h >/dev/null || fail "-M"
"$bin/mpicc" -v 2>/dev/null | grep 'mpicc for unirank' >/dev/null || fail "-v"
status=0; "$bin/mpicc" -profile=x one.c 2>/dev/null || status=$?
[ "$status" = 1 ] || fail "-profile is not refused"
UNIRANK_CC="gcc -DX" "$bin/mpicc" -show | grep '^gcc -DX ' >/dev/null || fail "UNIRANK_CC"

# Another prefix.
cp -a "$top/build/bin" "$top/build/lib" "$top/build/include" "$work/" 2>/dev/null || fail "copying the installation"
"$work/bin/mpicc" -show | grep "$work/lib/unirank/kernel.o" >/dev/null || fail "an installation elsewhere"
"$work/bin/mpicc" one.c -o moved && gives "size 1" ./moved

# CMake, once with the system's compiler and the wrappers only interrogated, once with the wrappers as compilers.
mkdir project
cp one.c one.cc one.f90 project/
cat > project/CMakeLists.txt <<'E2'
cmake_minimum_required(VERSION 3.16)
project(one C CXX Fortran)
find_package(MPI REQUIRED COMPONENTS C CXX Fortran)
add_executable(c one.c)
target_link_libraries(c PRIVATE MPI::MPI_C)
add_executable(cxx one.cc)
target_link_libraries(cxx PRIVATE MPI::MPI_CXX)
add_executable(fortran one.f90)
target_link_libraries(fortran PRIVATE MPI::MPI_Fortran)
E2
for way in interrogated compilers; do
    args=()
    if [ "$way" = compilers ]; then
        args=(-DCMAKE_C_COMPILER=mpicc -DCMAKE_CXX_COMPILER=mpicxx -DCMAKE_Fortran_COMPILER=mpifort)
    fi
    PATH=$bin:$PATH cmake -S project -B "cmake-$way" "${args[@]}" >"$way.log" 2>&1 || { cat "$way.log"; fail "cmake, $way"; }
    PATH=$bin:$PATH cmake --build "cmake-$way" >>"$way.log" 2>&1 || { cat "$way.log"; fail "cmake --build, $way"; }
    gives "size 1" "cmake-$way/c"
    gives caught "cmake-$way/cxx"
    gives "size 1" "cmake-$way/fortran"
    for program in c cxx fortran; do image "cmake-$way/$program"; done
done
echo "wrappers: all as expected"
