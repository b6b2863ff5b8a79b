//! Conjugate gradients on a symmetric positive definite matrix in Matrix Market coordinate format:
//! `cg-rs MATRIX [TOLERANCE]`. The same method as the Fortran example; here every rank reads the file and keeps its
//! band of rows. Solves `A x = b` where `b` is `A` times a vector of ones, so that the answer is known.

mod matrix;
mod mpi;

use matrix::Band;
use mpi::World;

fn main() {
    let world = World::init();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (path, tolerance) = match arguments.as_slice() {
        [path] => (path, Ok(1e-10)),
        [path, tolerance] => (path, tolerance.parse::<f64>()),
        _ => world.abort("usage: cg-rs MATRIX [TOLERANCE]"),
    };
    let Ok(tolerance) = tolerance else { world.abort("the tolerance is not a number") };
    let band = Band::read(path, world.rank, world.size);
    if let Err(why) = &band {
        eprintln!("cg-rs: rank {}: {why}", world.rank);
    }
    if !world.all(band.is_ok()) {
        world.abort("not every rank could read the matrix");
    }
    let converged = band.is_ok_and(|band| solve(&world, &band, tolerance));
    drop(world);
    if !converged {
        std::process::exit(1);
    }
}

fn solve(world: &World, a: &Band, tolerance: f64) -> bool {
    let dot = |u: &[f64], v: &[f64]| world.sum(u.iter().zip(v).map(|(u, v)| u * v).sum());
    let mut everywhere = vec![1.0; a.unknowns];
    let mut r = a.times(&everywhere);
    let mut p = r.clone();
    let mut x = vec![0.0; a.rows()];
    let mut rr = dot(&r, &r);
    let norm_b = rr.sqrt();
    if world.rank == 0 {
        println!("cg-rs: {} unknowns on {} ranks", a.unknowns, world.size);
    }
    let began = world.seconds();
    let mut iteration = 0;
    while rr.sqrt() > tolerance * norm_b && iteration < 10 * a.unknowns {
        iteration += 1;
        world.allgather(&p, &mut everywhere, &a.counts, &a.starts);
        let ap = a.times(&everywhere);
        let alpha = rr / dot(&p, &ap);
        for i in 0..x.len() {
            x[i] += alpha * p[i];
            r[i] -= alpha * ap[i];
        }
        let before = std::mem::replace(&mut rr, dot(&r, &r));
        for (p, r) in p.iter_mut().zip(&r) {
            *p = r + rr / before * *p;
        }
        if world.rank == 0 && iteration % 10 == 0 {
            println!("cg-rs: iteration {iteration:5}  residual {:10.3e}", rr.sqrt() / norm_b);
        }
    }
    let seconds = world.seconds() - began;
    let worst = world.max(x.iter().map(|x| (x - 1.0).abs()).fold(0.0, f64::max));
    if world.rank == 0 {
        println!("cg-rs: {iteration} iterations in {seconds:.3} s, largest error {worst:.2e}");
    }
    rr.sqrt() <= tolerance * norm_b
}
