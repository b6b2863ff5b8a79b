//! Guest's end of the event ring.

use core::cell::Cell;
use core::sync::atomic::Ordering;

use super::error::Error;
use crate::event::Event;
use crate::region::{ControlPage, EVT_SLOTS};

/// Consumer of the event ring. The consumer index here is the trusted copy.
pub(super) struct EventQueue {
    control: ControlPage,
    consumer: Cell<u32>,
}

impl EventQueue {
    pub(super) fn new(control: ControlPage) -> EventQueue {
        let consumer = control.evt_consumer().load(Ordering::Relaxed);
        EventQueue { control, consumer: Cell::new(consumer) }
    }

    /// Next event, if there is one. An unknown event is skipped after the error told of it.
    #[inline]
    pub(super) fn poll(&self) -> Result<Option<Event>, Error> {
        let consumer = self.consumer.get();
        let producer = self.control.evt_producer().load(Ordering::Acquire);
        if producer == consumer {
            return Ok(None);
        }
        if producer.wrapping_sub(consumer) > EVT_SLOTS {
            return Err(Error::EventRing { producer, consumer });
        }
        let bytes = self.control.read_event(consumer);
        self.consumer.set(consumer.wrapping_add(1));
        self.control.evt_consumer().store(consumer.wrapping_add(1), Ordering::Release);
        Ok(Some(Event::decode(&bytes)?))
    }
}
