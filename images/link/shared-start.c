/* A compiler driver that believes it links a shared executable takes the start-up object Scrt1.o, which lacks this
   function of crt1.o: the C library's own would relocate an executable that needs none. Only for build systems that
   drive the linker themselves (`mpicc -showme:link`). */
__attribute__((visibility("hidden"))) void _dl_relocate_static_pie(void)
{
}
