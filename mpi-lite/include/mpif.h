! MPI for `include`: constants, and the types of what is a function.
      include 'mpif_constants.h'
      double precision MPI_WTIME, MPI_WTICK
      external MPI_WTIME, MPI_WTICK
      double precision PMPI_WTIME, PMPI_WTICK
      external PMPI_WTIME, PMPI_WTICK
      integer*8 MPI_AINT_ADD, MPI_AINT_DIFF
      external MPI_AINT_ADD, MPI_AINT_DIFF
      integer*8 PMPI_AINT_ADD, PMPI_AINT_DIFF
      external PMPI_AINT_ADD, PMPI_AINT_DIFF
      external MPI_NULL_COPY_FN
      external MPI_NULL_DELETE_FN
      external MPI_DUP_FN
      external MPI_COMM_NULL_COPY_FN
      external MPI_COMM_NULL_DELETE_FN
      external MPI_COMM_DUP_FN
      external MPI_TYPE_NULL_COPY_FN
      external MPI_TYPE_NULL_DELETE_FN
      external MPI_TYPE_DUP_FN
      external MPI_WIN_NULL_COPY_FN
      external MPI_WIN_NULL_DELETE_FN
      external MPI_WIN_DUP_FN
      external MPI_CONVERSION_FN_NULL
