# unirank: MPI ranks as unikernels.
#
#   make                     everything a user needs, under build/
#   make run                 the main job: a heat solver on four ranks, with a picture at the end
#   make test                all tests; the last line says how many passed
#   make bench               speed and size, in a table
#   make docs                docs/mpi-coverage.md, from mpi.h and the tests
#   make install PREFIX=DIR  the contents of build/ under DIR (default /usr/local)
#   make clean               removes what was built
#
# Missing system packages are installed first (tools/ensure-packages.sh says which and why).

PREFIX ?= /usr/local
B := $(CURDIR)/build
T := $(or $(CARGO_TARGET_DIR),$(CURDIR)/target)/release
CARGO := tools/cargo
LIB := $(B)/lib/unirank
# In the order in which they use each other; the last two are made from mpi.h.
FORTRAN := $(patsubst %,mpi-lite/fortran/%.f90,mpi_f08_types mpi_f08_callbacks mpi_sizes) $(patsubst %,$(B)/fortran/%.f90,mpi mpi_f08)
RANKS ?= 4

.PHONY: all packages test-packages commands kernel hermit mpi headers fortran share examples run test bench docs install clean
.DELETE_ON_ERROR:

all: commands kernel hermit mpi headers fortran share

packages:
	@tools/ensure-packages.sh

test-packages:
	@tools/ensure-packages.sh --test

# The kernel, the MPI library and the commands are built one after the other: in one go Cargo would give a shared
# crate the features of all three, and the kernel has no standard library.
commands: packages
	@echo "building the commands"
	@$(CARGO) build --release --quiet -p unirank -p unirank-images -p unirank-mpi-bindings
	@mkdir -p $(B)/bin
	@install -s -m 755 $(T)/unirank $(B)/bin/unirank
	@install -s -m 755 $(T)/unirank-wrapper $(B)/bin/mpicc
	@cd $(B)/bin && for name in mpicxx mpic++ mpifort mpif77 mpif90; do ln -sf mpicc $$name; done
	@cd $(B)/bin && for name in mpiexec mpirun; do ln -sf unirank $$name; done

kernel: packages
	@echo "building the kernel"
	@$(CARGO) rustc --profile kernel --quiet -p unirank-kernel --crate-type staticlib -- -C relocation-model=static
	@mkdir -p $(LIB)
	@$(MAKE) --no-print-directory -s $(LIB)/kernel.o

$(LIB)/kernel.o: $(dir $(T))kernel/libunirank_kernel.a $(wildcard kernel/link/*)
	kernel/link/prelink.sh $< $@

# The entry for programs without a C library, whose memory functions it brings, is an object apart: in the library, a
# program that needs memcpy before the C library is searched would get it.
hermit: packages
	@echo "building the functions of hermit-abi"
	@$(CARGO) rustc --profile kernel --quiet -p unirank-hermit --lib --crate-type staticlib -- -C relocation-model=static
	@mkdir -p $(LIB)
	@$(MAKE) --no-print-directory -s $(LIB)/libhermit.a

$(LIB)/libhermit.a: $(dir $(T))kernel/libunirank_hermit.a $(wildcard hermit/link/*) kernel/src/arch/mem.s
	hermit/link/prelink.sh $< $(LIB)/hermit.o
	gcc -c -Wa,-I,kernel/src/arch hermit/link/start.s -o $(LIB)/hermit-start.o
	objcopy --localize-symbol=rust_eh_personality --localize-symbol=_Unwind_Resume \
	    $(addprefix --weaken-symbol=,memcpy memmove memset memcmp bcmp strlen) $(LIB)/hermit-start.o
	rm -f $@
	ar rcs $@ $(LIB)/hermit.o
	rm $(LIB)/hermit.o

mpi: packages
	@echo "building the MPI library"
	@$(CARGO) rustc --profile mpi --quiet -p unirank-mpi --lib --crate-type staticlib
	@mkdir -p $(LIB)
	@$(MAKE) --no-print-directory -s $(LIB)/libmpi.a $(LIB)/libmpi_abi.so.1 $(LIB)/shared-start.o
	@# For build systems that drive the linker themselves (CMake's FindMPI): libgcc_s is the static one.
	@echo 'INPUT(-lgcc_eh)' > $(LIB)/libgcc_s.a
	@cp -p images/link/*.args $(LIB)/

$(LIB)/libmpi.a: $(dir $(T))mpi/libunirank_mpi.a $(wildcard mpi-lite/link/*)
	mpi-lite/link/prelink.sh $< $(LIB)/mpi.o
	rm -f $@
	ar rcs $@ $(LIB)/mpi.o
	rm $(LIB)/mpi.o

# The same as a shared library, under the name the ABI gives it: for programs that load libraries as they run, such as
# Python, which are no images. `-lmpi` never finds this one.
$(LIB)/libmpi_abi.so.1: $(LIB)/libmpi.a
	gcc -shared -o $@ -Wl,-soname,libmpi_abi.so.1 -Wl,-z,defs -Wl,--whole-archive $< -Wl,--no-whole-archive -lpthread -lm
	strip $@
	ln -sf libmpi_abi.so.1 $(LIB)/libmpi_abi.so

$(LIB)/shared-start.o: images/link/shared-start.c
	gcc -O2 -c $< -o $@

headers:
	@mkdir -p $(B)/include
	@cp -p mpi-lite/include/*.h $(B)/include/

# The modules' own objects go into a library of their own: most programs need only the .mod files.
fortran: commands headers
	@mkdir -p $(LIB) $(B)/fortran
	@$(MAKE) --no-print-directory -s $(LIB)/libmpifort.a

$(LIB)/libmpifort.a: $(T)/unirank-mpi-bindings $(wildcard mpi-lite/include/* mpi-lite/fortran/*)
	$(T)/unirank-mpi-bindings $(B)/fortran
	cd $(B)/fortran && rm -f *.o && for source in $(abspath $(FORTRAN)); do \
	    gfortran -O2 -fno-pie -ffunction-sections -I$(B)/include -J$(B)/include -c $$source || exit 1; done
	rm -f $@
	ar rcs $@ $(B)/fortran/*.o

# `unirank bench` compiles these where it runs, with every MPI library it compares.
share:
	@mkdir -p $(B)/share/unirank/bench
	@cp -p images/bench/* images/examples/latency/latency.c images/examples/cg/cg.f90 images/examples/heat/heat.c \
	    images/examples/heat/start.png $(B)/share/unirank/bench/

examples: all
	@echo "building the examples"
	@CARGO_TARGET_DIR=$(B)/examples/target CARGO=$(CURDIR)/tools/cargo \
	    $(MAKE) --no-print-directory -s -C images/examples OUT=$(B)/examples

run: examples
	@mkdir -p $(B)/run
	@cp images/examples/heat/heat.par images/examples/heat/start.png $(B)/run/
	cd $(B)/run && $(B)/bin/unirank run -n $(RANKS) $(B)/examples/heat heat.par
	@echo "The picture is $(B)/run/heat.png"

test: test-packages examples
	tools/test.sh

docs: commands
	$(T)/unirank-mpi-bindings --coverage docs/mpi-coverage.md

bench: all
	$(B)/bin/unirank bench

install: all
	mkdir -p $(DESTDIR)$(PREFIX)
	cd $(B) && cp -dR --preserve=mode,timestamps bin lib include share $(DESTDIR)$(PREFIX)/

clean:
	rm -rf $(B)
	$(CARGO) clean --quiet
