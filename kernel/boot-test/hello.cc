// Exceptions through frames with destructors, streams, a thread that cannot start.
#include <iostream>
#include <stdexcept>
#include <thread>

struct Guard {
    ~Guard() { std::cout << "unwound "; }
};

static void fall(int depth)
{
    Guard guard;
    if (depth == 0)
        throw std::runtime_error("thrown");
    fall(depth - 1);
}

int main()
{
    try {
        fall(2);
    } catch (const std::exception &e) {
        std::cout << "caught " << e.what() << std::endl;
    }
    try {
        std::thread([] {}).join();
    } catch (const std::system_error &e) {
        std::cout << "no thread" << std::endl;
    }
}
