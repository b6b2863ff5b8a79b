! The Fortran run-time library, a nested procedure (which needs an executable stack), formatted output.
program hello
  implicit none
  real(8) :: a(100, 100), b(100, 100)
  integer :: calls
  calls = 0
  call random_number(a)
  call random_number(b)
  call apply(count_call)
  print '(a,l2,i3)', 'product is positive', sum(matmul(a, b)) > 0d0, calls
contains
  subroutine apply(f)
    external :: f
    call f()
  end subroutine
  subroutine count_call()
    calls = calls + 1
  end subroutine
end program
